# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that the add-on shows, in English; :mod:`.german` translates them."""

from __future__ import annotations

from typing import Any

from . import preset_check

# Headings and lists
SEMBLANCE = "Semblance"
PERSON = "Person"
PHOTOS = "Photos"
OPTIONS = "Options"
HEAD = "Head"
EXPRESSION = "Expression"
PHOTO_FIT = "Fit over Photo"
EXPORT = "Export"
NEW_PERSON = "Person"
NO_PERSON = "Add a person, then photos of them."
NO_PHOTOS = "One sharp photo from the front is enough. More sides give a better shape."
NO_HEAD = "Select a head that Semblance made."
NO_FITTED_PHOTOS = "This head keeps no photos."
LEFT, RIGHT = "Left", "Right"

# Options
NAME = "Name"
NAME_TIP = "The person's name; the head's objects are named after it"
MODEL = "Face model"
MODEL_TIP = "The head that is fitted to the photos. Every model has a licence of its own"
MODEL_READY = "{name}: {licence}"
MODEL_ABSENT = "{name}: not installed on the server"
QUALITY = "Quality"
QUALITY_TIP = "How much of the photos' detail goes into the texture, and how long it takes"
QUALITIES = (
    ("draft", "Draft", "A texture of 1024 texels, in the shortest time"),
    ("standard", "Standard", "A texture of 2048 texels"),
    ("high", "High", "A texture of 4096 texels, for close-ups"),
)
TEXTURE_SIZE = "Texture"
TEXTURE_SIZE_TIP = "Side of the square texture. Automatic follows the quality"
TEXTURE_SIZES = (
    ("auto", "Automatic", "As the quality says"),
    ("1024", "1024", "1024 texels a side"),
    ("2048", "2048", "2048 texels a side"),
    ("4096", "4096", "4096 texels a side"),
)
FOCAL = "Focal Length"
FOCAL_TIP = (
    "Of the lens that took all photos, in millimetres. At 0 each photo's EXIF tells it, and where none does "
    "it is assumed"
)
SENSOR = "Sensor Width"
SENSOR_TIP = (
    "Of the camera that took the photos, along their longer side, in millimetres. 36 makes the focal length "
    "a 35 mm equivalent"
)

# People and photos
ADD_PERSON = "Add Person"
ADD_PERSON_TIP = "Add a person to the list"
REMOVE_PERSON = "Remove Person"
REMOVE_PERSON_TIP = "Take the person off the list. A head that was built stays in the scene"
ADD_PHOTOS = "Add Photos"
ADD_PHOTOS_TIP = "Choose photos of this person, several at once"
PASTE_PHOTOS = "Paste Photos"
PASTE_PHOTOS_TIP = "Add the picture, or the paths of photos, that were copied to the clipboard"
REMOVE_PHOTO = "Remove Photo"
REMOVE_PHOTO_TIP = "Take the photo off the list. The file stays where it is"
MOVE_PHOTO = "Move Photo"
MOVE_PHOTO_TIP = "Move the photo up or down the list"
CLEAR_PHOTOS = "Remove All Photos"
CLEAR_PHOTOS_TIP = "Take all photos off the list. The files stay where they are"
PATH = "Photo"
PATH_TIP = "Where the photo lies"
NOTHING_TO_PASTE = "The clipboard holds neither a picture nor paths of photos."
PHOTOS_ADDED = "Photos added: {count}."
TOO_MANY_PHOTOS = "A head is made of at most {count} photos; the rest was left out."
PHOTO_MISSING = "The file is missing."

# Building
BUILD = "Build Head"
BUILD_TIP = "Make a rigged head of this person from the photos. Blender stays usable meanwhile"
REBUILD = "Rebuild Head"
REBUILD_TIP = "Make the head again with these photos and options. Its object, pose and animation stay"
CANCEL = "Cancel"
CANCEL_TIP = "Stop making this head"
DISMISS = "Dismiss"
DISMISS_TIP = "Hide this message"
TRY_AGAIN = "Try Again"
APPLY_TIP = "Build the head that the server has finished in this scene"
LEAVE_MODE = "The head is finished. Leave {mode} to see it in the scene."
STAGES = {
    "send": "Sending files",
    "wait": "Waiting in the queue",
    "fetch": "Fetching the result",
    "photos": "Reading photos",
    "model": "Loading the face model",
    "landmarks": "Finding the face",
    "surface": "Fitting the shape",
    "expressions": "Reading expressions",
    "texture": "Making the texture",
    "people": "Looking for people",
    "faces": "Following the face",
    "identity": "Measuring the face",
    "reading": "Reading the track",
    "curves": "Making the curves",
    "mapping": "Recognising the keys",
    "registration": "Laying the head onto the mesh",
    "shape keys": "Making the shape keys",
}
STARTING = "Starting"
PROGRESS = "{percent} %"
SECONDS_LEFT = "{seconds} s left"
MINUTES_LEFT = "{minutes} min left"
STILL_TRYING = "{reason} Trying again."
NOT_SENT = "The photos were not sent completely when Blender closed. Build the head again."
HEAD_READY = "{name}: the head is ready."
FAULT = "Semblance met a fault of its own ({error}). The console has the details."
HEAD_WITHOUT_PERSON = "A head is ready, but its person is not in this file. Import {path}."
WARNINGS = "About the photos"
FAILED = "Head not built"
NO_PHOTOS_ERROR = "Add photos first."
REMOVE_NAMED_PHOTO = "Remove {name}"
USE_DEFAULT_MODEL = "Use the Default Face Model"

# A photo's lens: source → sentence
LENSES = {
    "given": "Lens {mm} mm (as given)",
    "exif": "Lens {mm} mm (from the photo's EXIF)",
    "assumed": "Lens about {mm} mm (assumed)",
}
SHARED_LENSES = {
    "exif": "Lens {mm} mm (shared with {file}, from its EXIF)",
    "assumed": "Lens about {mm} mm (shared with {file}, assumed)",
}

# The head
REGIONS = {
    "brows": "Brows",
    "eyes": "Eyes",
    "cheeks": "Cheeks",
    "nose": "Nose",
    "jaw": "Jaw",
    "mouth": "Mouth",
    "tongue": "Tongue",
}
# Region → coefficient without its side → label. Those that exist for two sides are shown as a pair.
EXPRESSIONS = {
    "brows": {"browDown": "Down", "browInnerUp": "Inner Up", "browOuterUp": "Outer Up"},
    "eyes": {
        "eyeBlink": "Blink",
        "eyeSquint": "Squint",
        "eyeWide": "Wide",
        "eyeLookUp": "Look Up",
        "eyeLookDown": "Look Down",
        "eyeLookIn": "Look In",
        "eyeLookOut": "Look Out",
    },
    "cheeks": {"cheekPuff": "Puff", "cheekSquint": "Raise"},
    "nose": {"noseSneer": "Sneer"},
    "jaw": {"jawOpen": "Open", "jawForward": "Forward", "jaw": "Sideways"},
    "mouth": {
        "mouthSmile": "Smile",
        "mouthFrown": "Frown",
        "mouthDimple": "Dimple",
        "mouthStretch": "Stretch",
        "mouthPress": "Press",
        "mouthUpperUp": "Upper Lip Up",
        "mouthLowerDown": "Lower Lip Down",
        "mouth": "Shift Sideways",
        "mouthClose": "Close",
        "mouthFunnel": "Funnel",
        "mouthPucker": "Pucker",
        "mouthRollUpper": "Roll Upper Lip",
        "mouthRollLower": "Roll Lower Lip",
        "mouthShrugUpper": "Shrug Upper Lip",
        "mouthShrugLower": "Shrug Lower Lip",
    },
    "tongue": {"tongueOut": "Out"},
}
RESET = "Reset"
RESET_TIP = "Set these keys to 0"
MIRROR = "Mirror"
MIRROR_TIP = "Copy one side's values to the other, or swap them"
MIRRORS = (
    ("LEFT", "Left to Right", "The person's left side is copied to the right"),
    ("RIGHT", "Right to Left", "The person's right side is copied to the left"),
    ("SWAP", "Swap Sides", "The two sides change places"),
)
KEY_ALL = "Key All"
KEY_ALL_TIP = "Insert a keyframe for all 52 keys at this frame"
POSE = "Use Expression"
POSE_TIP = "Give the head the expression that was found in this photo"
SHOW_FIT = "Show"
SHOW_FIT_TIP = "Look through the fitted camera, with the photo over the head and the photo's expression"
END_FIT = "Leave Photo View"
END_FIT_TIP = "Take the camera and the photo away, and give the head its pose back"
OPACITY = "Photo opacity"
RELIEF = "Skin relief"
EXPORT_GLB = "glTF"
EXPORT_OBJ = "OBJ"
EXPORT_TIP = "Write the head for other programs: glTF with 52 morph targets, or the neutral head as OBJ"
EXPORTED = "Written: {path}"
EXPORT_FAILED = "The head could not be written: {reason}"
SELECT_HEAD = "Select"
SELECT_HEAD_TIP = "Select this person's head in the scene"
IMPORT = "Semblance Rig (.semrig)"
IMPORT_TIP = "Build the head of a rig file: mesh, 52 shape keys, materials and bones"
IMPORTED = "Imported: {name}."

# Performances
PERFORMANCE = "Performance"
CLIP = "Clip"
CLIP_TIP = "A video of the performer; any format and frame rate"
CLIP_IN = "In"
CLIP_IN_TIP = "Where in the clip to begin, in seconds"
CLIP_OUT = "Out"
CLIP_OUT_TIP = "Where in the clip to end, in seconds; 0 means its end"
FOLLOW = "Follow"
FOLLOW_TIP = "Whose face to track where there are several"
FOLLOWS = (
    ("MAIN", "Main Face", "The face that is largest and longest in view"),
    (
        "HEAD",
        "This Head's Person",
        "The person that the chosen head was made of; their own shape is used too",
    ),
    ("POINT", "Face at a Place", "The face at a place in the picture, at the in point"),
)
FACE_TIME = "At Time"
FACE_TIME_TIP = "When in the clip the place is on the face, in seconds; up to the in point it holds there"
FIND_PEOPLE = "Find People"
FIND_PEOPLE_TIP = "Look at the clip: its length, and who is in it at the in point, to choose from"
CHOOSE_PERSON = "Follow This Person"
CHOOSE_PERSON_TIP = "Track the person of this number"
PEOPLE_AT = "At {seconds} s"
CLIP_LENGTH = "The clip has {seconds} s."
OUT_BEFORE_IN = "The out point must come after the in point."
IN_AFTER_END = "The in point lies after the clip's end ({seconds} s)."
OUT_AFTER_END = "The out point lies after the clip's end ({seconds} s)."
FACE_AT = "Face at"
FACE_AT_TIP = "A place on the face, in pixels from the picture's upper left corner"
TARGET = "Character"
USE_SELECTED = "Use Selected"
USE_SELECTED_TIP = "Animate the selected meshes that have shape keys; head, neck and eyes are found"
NO_KEYS_SELECTED = "No selected mesh has shape keys."
NO_TARGET = "Select the character's meshes with shape keys, then use them."
NO_CLIP = "Choose a clip first."
NO_HEAD_TO_FOLLOW = "The chosen meshes are no head that Semblance made. Follow another face."
TAKE_HEAD = "Head"
TAKE_HEAD_TIP = (
    "The armature whose head bone turns, or an object that turns as a whole; empty: the head stays"
)
HEAD_BONE = "Head Bone"
HEAD_BONE_TIP = "The bone that turns with the head, whatever its rest orientation"
NECK_BONE = "Neck Bone"
NECK_BONE_TIP = "A bone that takes a share of each turn; empty: the head alone turns"
NECK_SHARE = "Neck Share"
NECK_SHARE_TIP = "How much of each turn the neck takes"
LEFT_EYE = "Left Eye"
RIGHT_EYE = "Right Eye"
EYE_TIP = "What turns with the person's eye: a bone, or an object"
TURN_EYES = "Turn Eyes"
TURN_EYES_TIP = "Turn bones or objects with the gaze. Off where shape keys turn the eyes already"
EYES_BY_KEYS = "The shape keys turn these eyes."
AIM = "Aim Target"
AIM_TIP = "An object that is put where the eyes look, instead of turning them"
PLACE = "Move Head"
PLACE_TIP = "Also move the head as the performer moved, not only turn it"
MAPPING = "Mapping"
RECOGNISE = "Recognise Keys"
RECOGNISE_TIP = "Find out which shape key shows which expression. Replaces the table"
NO_MAPPING = "The shape keys are recognised when the clip is tracked."
LOAD_MAPPING = "Load Mapping"
LOAD_MAPPING_TIP = "Read the table from a preset file"
SAVE_MAPPING = "Save Mapping"
SAVE_MAPPING_TIP = "Write the table to a preset file; muted keys stay muted"
MAPPING_UNREADABLE = preset_check.UNREADABLE
MAPPING_UNREADABLE_HINT = preset_check.UNREADABLE_HINT
MAPPING_NEWER_HINT = preset_check.NEWER_HINT
MAPPING_NOT_SAVED = "{path} cannot be written: {reason}"
ADD_CHANNEL = "Add Row"
ADD_CHANNEL_TIP = "Add a shape key to the table"
REMOVE_CHANNEL = "Remove Row"
REMOVE_CHANNEL_TIP = "Take the chosen shape key out of the table"
SHAPE_KEY = "Shape Key"
SHAPE_KEY_TIP = "A shape key that is not in the table yet, or any name"
NO_CHANNEL_NAME = "Name a shape key."
CHANNEL_THERE = "{name} is in the table already."
ADD_UNIT = "Add Expression"
ADD_UNIT_TIP = "Let another of the 52 expressions drive this shape key"
REMOVE_UNIT = "Remove Expression"
REMOVE_UNIT_TIP = "Let the chosen expression drive this shape key no longer"
UNIT_THERE = "{name} drives this shape key already."
WEIGHT = "Weight"
WEIGHT_TIP = "How much of this expression goes into the shape key"
GAIN = "Gain"
GAIN_TIP = "How strongly all shape keys follow"
CHANNEL_GAIN_TIP = "How strongly this shape key follows"
OFFSET = "Offset"
OFFSET_TIP = "Added to this shape key's value"
LOW = "Lowest"
HIGH = "Highest"
LIMIT_TIP = "The key's value does not go beyond"
MUTE = "Mute"
MUTE_TIP = "Leave this shape key alone"
SMOOTHING = "Smoothing"
SMOOTHING_TIP = "How much jitter is taken out; 0 leaves everything in. Blinks stay sharp"
KEY_ERROR = "Key Error"
KEY_ERROR_TIP = (
    "How far curves may be off with fewer keyframes, turns of head and eyes in radians;"
    " 0 keeps every keyframe"
)
SWAP = "Swap Sides"
SWAP_TIP = "Mirror the performance, with head and eyes"
WRINKLES = "Wrinkle Properties"
WRINKLES_TIP = (
    "Also animate custom properties of the face that say how far each region folds, for wrinkle maps"
)
CALIBRATE = "Calibrate"
CALIBRATE_TIP = "Take face and head of one frame of the clip as rest"
NEUTRAL = "Neutral Frame"
NEUTRAL_TIP = "A frame with a calm face that looks ahead, counted from the in point"
START_FRAME = "Start Frame"
START_FRAME_TIP = "Where in the scene the performance begins"
INTO = "Write to"
INTO_TIP = "Where the keyframes go"
INTOS = (
    ("NEW", "New Action", "An action of its own for each take; the earlier one is kept"),
    ("CURRENT", "Current Action", "Replace keyframes within the take; others stay"),
    ("STRIP", "NLA Strip", "A new action on a strip of its own"),
)
TRACK_FILE = "Track"
TRACK_FILE_TIP = "What was tracked. It can be applied again, or to another character"
TRACK = "Track Clip"
TRACK_TIP = "Track the clip and put the performance onto the character. Blender stays usable meanwhile"
APPLY_AGAIN = "Apply Again"
APPLY_AGAIN_TIP = "Put the same track onto the character with these options, without tracking again"
CANCEL_TRACK_TIP = "Stop and keep what is tracked so far; pressed again, nothing is kept"
FRAME_OF = "Frame {number} of {count}, {seconds} s"
STOPPING = "Stopping, keeping {count} frames."
STOPPING_HINT = "Cancel again to keep nothing."
APPLY_TAKE = "Apply Performance"
APPLY_TAKE_TIP = "Write the performance that the server has finished"
LEAVE_MODE_FOR_TAKE = "The performance is finished. Leave {mode} to apply it."
TAKE_READY = "{name}: {count} shape keys animated."
TAKE_FAILED = "Not applied"
TAKE_NOT_SENT = "The clip was not sent completely when Blender closed. Track it again."

# Live
LIVE = "Live"
LIVE_SOURCE = "Source"
LIVE_SOURCE_TIP = "What is tracked"
CAMERA = "Camera"
CAMERA_TIP = "Which camera of this computer; 0 is the first"
START_LIVE = "Start Live"
START_LIVE_TIP = "Let the character follow a performer at once. Nothing is keyframed until you record"
STOP_LIVE = "Stop"
STOP_LIVE_TIP = "End live tracking. The character goes back to what it was; a recording is kept"
RECORD = "Record"
RECORD_TIP = "Keep what comes from now on"
STOP_RECORDING = "Stop Recording"
STOP_RECORDING_TIP = "Turn what was recorded into keyframes, as the options say"
APPLY_RECORDING = "Apply Recording"
APPLY_RECORDING_TIP = "Write what was recorded as keyframes"
SET_REST = "Set Rest"
SET_REST_TIP = "Take the performer's face and head of this moment as rest"
LIVE_STARTING = "Starting..."
LIVE_WAITING = "Waiting for the first frame"
LIVE_FACE = "{fps} fps, {latency} ms"
LIVE_NO_FACE = "No face, {fps} fps"
LIVE_RECORDED = "{seconds} s recorded"
LIVE_LEAVE_MODE = "The recording is finished. Leave {mode} to apply it."
LIVE_SOURCES = (
    ("CAMERA", "Camera", "A camera of this computer"),
    ("FILE", "Clip", "The clip above at its own pace, again and again"),
    ("RUNNING", "Already Running", "What semblance live tracks on this computer, started in a terminal"),
)

# Characters without shape keys
KEYLESS = "Make Keys"
KEYS_SOURCE = "From"
KEYS_SOURCE_TIP = "The head whose 52 shape keys are taken; empty: the chosen person's, or the first one here"
MAKE_KEYS = "Make Shape Keys"
MAKE_KEYS_TIP = "Give the selected meshes the head's 52 shape keys. Select skin, eyes and teeth together"
APPLY_KEYS = "Add Shape Keys"
APPLY_KEYS_TIP = "Add the shape keys that the server has finished"
NO_MESH_SELECTED = "Select the meshes of a character: skin, eyes, teeth."
NO_SOURCE_HEAD = "There is no head to take the shapes from. Build or import one first."
SHOW_LANDMARKS = "Show Landmarks"
SHOW_LANDMARKS_TIP = (
    "Show the points that guide the transfer as empties. Move those that are off, then make the keys again"
)
HIDE_LANDMARKS = "Hide Landmarks"
HIDE_LANDMARKS_TIP = "Take the empties away; the keys are made by points that are found anew"
PLACE_LANDMARKS = "Show the landmarks, move them to their places on the face, and make the keys again."
MESHES_CHANGED = "The meshes have changed since they were sent. Make the keys again."
KEYS_READY = "{name}: {count} shape keys added."
LEAVE_MODE_FOR_KEYS = "The shape keys are finished. Leave {mode} to add them."
KEYS_NOT_SENT = "The meshes were not sent completely when Blender closed. Make the keys again."

# A photo that follows its rig
PREVIEW = "Photo Preview"
PREVIEW_ABOUT = "The photo does what the head does at the current frame."
PREVIEW_START = "Preview"
PREVIEW_START_TIP = (
    "Let this photo follow the head: keys after drivers, NLA and edits by hand, head and eye bones. It is "
    "shown over the 3D views"
)
PREVIEW_STOP = "Stop Preview"
PREVIEW_STOP_TIP = "End the preview. Nothing in the scene has changed"
PREVIEW_SIZE = "Resolution"
PREVIEW_SIZE_TIP = "Pixels along a side of the square around the head. More take longer; set before the start"
PREVIEW_SIZES = (
    ("256", "256", "256 pixels a side, the fastest"),
    ("512", "512", "512 pixels a side"),
    ("768", "768", "768 pixels a side"),
    ("1024", "1024", "1024 pixels a side, the sharpest"),
)
PREVIEW_PLACE = "Place"
PREVIEW_PLACE_TIP = "Where the picture is drawn"
PREVIEW_PLACES = (
    (
        "CAMERA",
        "Camera View",
        "Fill views that look through the photo's camera (Fit over Photo), dock elsewhere",
    ),
    ("DOCKED", "Corner", "A corner of every 3D view"),
)
PREVIEW_SHARE = "Width in Corner"
PREVIEW_SHARE_TIP = "Side of the docked picture, as a part of the view's shorter side"
PREVIEW_CONNECTING = "Connecting"
PREVIEW_PREPARING = "Preparing the photo"
PREVIEW_NOT_DRAWN = "The picture cannot be drawn on this screen ({error})."
PREVIEW_UP_TO_DATE = "Shows the current frame"
PREVIEW_RUNNING = "{fps} pictures a second"

# The server
SERVER_READY = "Server ready"
SERVER_BUSY = "Server at work"
SERVER_STARTING = "Server starting"
SERVER_STOPPED = "Server stopped"
SERVER_UNKNOWN = "Looking for server"
SERVER_UNREACHABLE = "Server not reached"
SERVER_WRONG = "Server not usable"
SERVER_OFFLINE = "Not online"
QUEUED = "{count} waiting"
START_SERVER = "Start Server"
START_SERVER_TIP = "Start Semblance's server on this computer. It goes on when Blender is closed"
STOP_SERVER = "Stop Server"
STOP_SERVER_TIP = "End the server. Heads in work go on when it is started again"
TEST_CONNECTION = "Test Connection"
TEST_CONNECTION_TIP = "Ask the server whether it answers, takes the token, and is of a fitting version"
OPEN_PREFERENCES = "Preferences"
OPEN_PREFERENCES_TIP = "Open Semblance's preferences"
ALLOW_ONLINE = "System Preferences"
ALLOW_ONLINE_TIP = "Open Blender's system preferences, where Allow Online Access is"

# Preferences
WHERE = "Heads are made"
WHERE_TIP = "On which computer the work is done"
PLACES = (
    ("LOCAL", "On this computer", "A server that Blender starts and finds again by itself"),
    ("REMOTE", "On another computer", "A server whose address and token you type in"),
)
PYTHON = "Python environment"
PYTHON_TIP = "The environment in which Semblance is installed. Leave it empty to look for it"
FIND_PYTHON = "Find"
FIND_PYTHON_TIP = "Look for Python environments that have Semblance"
USE_PYTHON = "Use"
USE_PYTHON_TIP = "Start the server with this Python"
FOUND_NONE = "No environment with Semblance was found ({count} looked at)."
PORT = "Port"
PORT_TIP = "The port that the server listens on; 0 takes any free one"
DEVICE = "Device"
DEVICE_TIP = "What the server computes on; takes effect at its next start"
DEVICES = (
    ("AUTO", "Automatic", "The graphics card where there is one that fits, else the processor"),
    ("CPU", "Processor only", "Leave the graphics card alone"),
)
URL = "Address"
URL_TIP = "The server's address, such as https://heads.example.org:8443"
TOKEN = "Token"
TOKEN_TIP = "The server's token; its folder has it in the file named token. Kept in Blender's preferences"
ONLY_HTTPS = "This address is not encrypted: photos and token travel in the open."
LOG = "Log"
LOG_EMPTY = "The log is empty."
DIAGNOSIS = "Diagnosis"
FINE = "Everything that Semblance needs is there."
PROBLEM_NO_PYTHON = "No Python environment with Semblance is known."
HINT_NO_PYTHON = "In a Python 3.11 environment, run the pip install line of Semblance's README."
PROBLEM_GLTF = "Blender's glTF add-on is off, so .glb cannot be written."
ENABLE_GLTF = "Turn It On"
ENABLE_GLTF_TIP = "Turn Blender's own glTF add-on on"
PROBLEM_FOLDER = "{folder} cannot be written."
VERSIONS = "Semblance {addon} in Blender {blender}, server {server}"
COPY = "Copy Report"
COPY_TIP = "Copy what is listed here, and the log, for a bug report"
COPIED = "Copied."


def t(text: str, **values: Any) -> str:
    """A text in the user's language, with its blanks filled in."""
    import bpy

    return str(bpy.app.translations.pgettext_iface(text)).format(**values)


def every_text() -> list[str]:
    """All texts of this module, those in tables included."""
    found: list[str] = []

    def collect(value: Any, skip_first: bool = False) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            for item in value.values():
                collect(item)
        elif isinstance(value, tuple):
            # rows of an enum: identifier, label, tooltip
            for item in value[1:] if skip_first else value:
                collect(item, skip_first=True)

    for name, value in globals().items():
        if name.isupper() and not name.startswith("_"):
            collect(value)
    return list(dict.fromkeys(found))
