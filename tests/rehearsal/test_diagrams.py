"""The pictures in the documentation are those of the definition."""

from __future__ import annotations

from rehearsal.diagrams import PICTURE, load_definition, picture


def test_the_picture_in_the_repository_is_that_of_the_definition() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(load_definition()), (
        "docs/state-machine.svg is not the picture of statemachine/patch.asl.yaml any more: run `make diagram`"
    )
