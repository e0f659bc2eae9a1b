"""Scenarios are data, and read strictly."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.core.faults import Fault
from rehearsal import scenario, scenario_names
from rehearsal.scenario import ApplicationStack, Intervention, ScenarioError


def test_every_scenario_of_the_repository_loads_and_describes_itself_in_a_sentence() -> None:
    loaded = [scenario.load(name) for name in scenario_names.names()]

    assert [chosen.name for chosen in loaded] == scenario_names.names()
    assert scenario_names.names()[0] == "happy-path"
    for chosen in loaded:
        assert chosen.description.endswith("."), chosen.name
        assert len(chosen.description) <= 160, chosen.name
    assert len({chosen.description for chosen in loaded}) == len(loaded)


def test_a_document_becomes_typed_settings() -> None:
    read = scenario.from_document(
        "mine",
        {
            "trigger": "manual",
            "input": {"any": ["JSON"]},
            "stacks": [{"name": "web"}, {"name": "api", "parameters": {"DesiredCapacity": "4"}}],
            "image_builder": {"fail_in": "TESTING", "building_seconds": 60},
            "autoscaling": {"stacks": {"api": {"signals": 1}}},
            "lambda": {"cold_start_seconds": 2},
            "faults": [{"service": "sns", "action": "Publish", "error": "InternalError", "times": None}],
            "interventions": [{"do": "abort", "when_state": "Check Image"}],
        },
    )

    assert read.name == "mine"
    assert read.input == {"any": ["JSON"]}
    assert read.stacks == (ApplicationStack("web"), ApplicationStack("api", parameters={"DesiredCapacity": "4"}))
    assert read.image_builder.fail_in == "TESTING"
    assert read.autoscaling.instances_of("api").signals == 1
    assert read.lambda_.cold_start_seconds == 2
    assert read.faults == (Fault("sns", "Publish", "InternalError", times=None),)
    assert read.interventions == (Intervention("abort", when_state="Check Image"),)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"triger": "manual"}, "unknown key 'triger'; did you mean 'trigger'?"),
        (
            {"trigger": "yearly"},
            "expected the trigger to be one of schedule, manual, base-image, base-image-check, found 'yearly'",
        ),
        ({"lambda": {"cold_start": 1}}, "mine, lambda: unknown key 'cold_start'; did you mean 'cold_start_seconds'?"),
        ({"image_builder": {"building_seconds": "long"}}, "image_builder, building_seconds: expected a number"),
        ({"image_builder": {"fail_in": "COOKING"}}, "expected fail_in to be one of PENDING"),
        ({"stacks": {"name": "web"}}, "stacks: expected a list, found {'name': 'web'}"),
        ({"stacks": [{"template": "x"}]}, "stacks[0]: expected the key 'name', found template"),
        ({"faults": [{"service": "s3", "action": "GetObject", "error": "e"}]}, "faults of s3 are not modelled"),
        (
            {"interventions": [{"do": "shout"}]},
            "interventions[0]: expected an intervention to do abort, cancel-image, update-stack or call, found",
        ),
        ({"interventions": [{"do": "update-stack"}]}, "name a stack when, and only when, it does update-stack"),
        ([], "expected a mapping, found list"),
    ],
)
def test_what_means_nothing_is_refused_by_name(document: Any, message: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario.from_document("mine", document)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("hapy-path", ["happy-path"]),
        ("deployment-rolls", ["deployment-rolls-back", "deployment-hangs"]),
        ("image-build", ["image-build-fails", "image-build-hangs"]),
    ],
)
def test_an_unknown_scenario_is_an_error_that_names_the_closest_few(typed: str, named: list[str]) -> None:
    with pytest.raises(scenario_names.NoSuchScenario) as refused:
        scenario.load(typed)
    found, _, closest = str(refused.value).partition("; the closest are ")

    assert found == f"expected the name of a scenario, found {typed!r}"
    assert set(closest.split(", ")[: len(named)]) == set(named)
    assert len(closest.split(", ")) <= 3


def test_a_scenario_that_is_like_none_is_an_error_that_names_all() -> None:
    with pytest.raises(scenario_names.NoSuchScenario) as refused:
        scenario.load("zzzz")

    assert str(refused.value).endswith(f"; there are {', '.join(scenario_names.names())}")
