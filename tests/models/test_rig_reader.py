"""Which rigs ask the network."""

from models.face_reader import rig_reader


def test_rigs_ask_the_shipped_network() -> None:
    reader = rig_reader()
    assert reader is not None and reader.model_name == "anny"
