"""Render training data for the landmark prior.

    python -m models.prior.render --model anny --identities 1200 --out FOLDER [--take TAKE.csv]

Random people of a face model, ten frames each, seen by the project's landmark network. Results are shards of
25 people; a run that was stopped goes on where it was, and every person depends on the seed and on their
number alone. Only the first half of the take is used: the second is for tests. With ``--clips``, people play
that second half instead, for validation: give it a folder and a seed of its own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import torch
import typer
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.atomic import staged_output
from core.errors import BadInput, SemblanceError
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from models.data.expressions import ClipSampler, ExpressionSampler
from models.data.heads import (
    LandmarkReader,
    draw,
    projected_landmarks,
    random_angles,
    random_light,
    random_sensor,
    random_shot,
)
from models.data.skins import SkinPainter
from models.data.take import held_out_half, read_take, training_half

PEOPLE_A_SHARD: Final = 25
_CODES: Final = {"anny": 1, "ict": 2}
_SPREADS: Final = (0.6, 0.8, 1.0)  # standard deviations of the identity coefficients


class HeadRenderer:
    """Frames of one model's random people."""

    def __init__(self, model: FaceModel, sampler: ExpressionSampler | ClipSampler, seed: int) -> None:
        self.model, self.sampler, self.seed = model, sampler, seed
        self._triangles = model.opaque_triangles
        self._painter = SkinPainter(model)
        self._reader = LandmarkReader()

    def person(self, number: int) -> tuple[dict[str, ndarray], list[UInt8[ndarray, "side side 3"]]]:
        """Arrays (first axis: frames) of the person of a number, and the pictures."""
        code = _CODES[self.model.name]
        rng = np.random.default_rng([self.seed, code, number])
        pair = np.random.default_rng([self.seed, code, number // 2, 1])
        spread = rng.choice(_SPREADS)
        identity = (spread * rng.standard_normal(len(self.model.identity_basis))).astype(np.float32)
        neutral = self.model.neutral(identity)
        albedo = self._painter.paint(rng)
        expressions = self.sampler.person(pair, rng)
        frames, pictures = [], []
        for index, expression in enumerate(expressions):
            frame, picture = self._frame(neutral, albedo, expression, 0.4 if index == 0 else 1.0, rng)
            frames.append(frame)
            pictures.append(picture)
        arrays = {name: np.stack([frame[name] for frame in frames]) for name in frames[0]}
        return arrays | {"person": np.full(len(frames), number, np.int32)}, pictures

    def _frame(
        self,
        neutral: Float32[ndarray, "vertices 3"],
        albedo: Float32[ndarray, "vertices 3"],
        expression: Float32[ndarray, "52"],
        spread: float,
        rng: np.random.Generator,
    ) -> tuple[dict[str, ndarray], UInt8[ndarray, "side side 3"]]:
        posed = neutral + np.tensordot(expression, self.model.expression_deltas, axes=1).astype(np.float32)
        shot = random_shot(rng, *random_angles(rng, spread))
        picture = random_sensor(
            draw(posed, self._triangles, albedo, shot, *random_light(rng)).astype(np.float32), rng
        )
        true = projected_landmarks(self.model, posed, shot)
        # the frame before was nearly the same: the crop is a little off
        about = true + rng.normal(0, 2.0, (1, 3)).astype(np.float32)
        looks, presence = self._reader.look(picture, about)
        frame = {
            "looks": looks,
            "presence": np.array(presence, np.float32),
            "expression": expression.astype(np.float32),
            "true": true,
            "rotation": shot.rotation,
            "translation": shot.translation,
            "intrinsics": np.array([shot.camera.fx, shot.camera.cx, shot.camera.cy], np.float32),
            "at_rest": self.model.landmarks(neutral).astype(np.float32),
        }
        return frame, picture


def render_shards(
    model_name: str,
    identities: int,
    out: Path,
    take: Path | None = None,
    seed: int = 0,
    clips: bool = False,
) -> None:
    """Write the shards that are not there yet, and report progress with the time left.

    Raises:
        BadInput: the model is neither anny nor ict, or there is nothing to do.
        SemblanceError: the model is missing, the take cannot be read, or the folder not be written.
    """
    if model_name not in _CODES or identities < 1:
        raise BadInput("Training data needs a model (anny or ict) and one identity or more.")
    if clips and take is None:
        raise BadInput("Clips need a take to play.", "Give one with --take.")
    recorded = read_take(take) if take else None
    sampler: ExpressionSampler | ClipSampler
    if clips and recorded is not None:
        sampler = ClipSampler(held_out_half(recorded))
    else:
        sampler = ExpressionSampler(training_half(recorded) if recorded is not None else None)
    out.mkdir(parents=True, exist_ok=True)
    shards = range(-(-identities // PEOPLE_A_SHARD))
    files = {shard: out / f"{model_name}-{seed}-{shard:04d}.npz" for shard in shards}
    missing = [shard for shard in shards if not files[shard].exists()]
    if not missing:
        typer.echo(f"{out}: all {identities} people are there already.")
        return
    renderer = HeadRenderer(load_model(model_name), sampler, seed)
    started = time.monotonic()
    for done, shard in enumerate(missing):
        numbers = range(shard * PEOPLE_A_SHARD, min((shard + 1) * PEOPLE_A_SHARD, identities))
        people = [renderer.person(number)[0] for number in numbers]
        with staged_output(files[shard]) as path, path.open("wb") as stream:
            np.savez(stream, **{name: np.concatenate([p[name] for p in people]) for name in people[0]})
        spent = time.monotonic() - started
        left = spent / (done + 1) * (len(missing) - done - 1)
        typer.echo(f"{model_name}: shard {done + 1}/{len(missing)}, {left / 60:.0f} min left")


def main(
    model: Annotated[str, typer.Option(help="anny or ict")],
    identities: Annotated[int, typer.Option()],
    out: Annotated[Path, typer.Option(help="folder of the shards")],
    take: Annotated[Path | None, typer.Option(help="Live Link Face CSV; its first half is used")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    clips: Annotated[bool, typer.Option("--clips", help="play the take's second half, to validate")] = False,
) -> None:
    """Render training data for the landmark prior."""
    torch.set_num_threads(1)
    try:
        render_shards(model, identities, out, take, seed, clips)
    except SemblanceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("Stopped; the same command goes on from here.", err=True)
        raise typer.Exit(130) from None


if __name__ == "__main__":
    typer.run(main)
