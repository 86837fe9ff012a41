"""Which rigs ask the network."""

from models.face_reader import rig_reader


def test_a_single_photo_is_read_by_the_shipped_network_and_several_are_not() -> None:
    reader = rig_reader(1)
    assert reader is not None and reader.model_name == "anny"
    assert rig_reader(2) is None
