"""The templates keep every rule, every exception to a rule is needed, and every rule finds what violates it."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable
from typing import Any

import pytest
from cfnlint.helpers import VALID_PARAMETER_TYPES  # type: ignore[import-untyped]

from tests.infrastructure import invariants, permissions
from tests.infrastructure.templates import NAMES, OURS, PARAMETER_TYPES, Rule, Template, document, properties

RULES = invariants.RULES + permissions.RULES
PLANTED = invariants.PLANTED + permissions.PLANTED


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_the_templates_keep_the_rule(name: str, rule: Rule) -> None:
    assert rule(name, document(name)) == []


@pytest.mark.parametrize(
    ("name", "rule", "plant", "violation"), PLANTED, ids=[violation for _, _, _, violation in PLANTED]
)
def test_a_planted_violation_is_found(name: str, rule: Rule, plant: Callable[[Template], Any], violation: str) -> None:
    planted = copy.deepcopy(document(name))
    plant(planted)
    violations = rule(name, planted)
    assert any(line.startswith(violation) for line in violations), violations


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for _, rule, _, _ in PLANTED} == set(RULES)


def test_the_exceptions_are_all_needed() -> None:
    for name, subscription in invariants.WITHOUT_QUEUE:
        assert "RedrivePolicy" not in properties(document(name), subscription)
    for name, resource in invariants.RETAINED:
        assert document(name)["Resources"][resource]["DeletionPolicy"] != "Delete"


def test_the_reasons_are_all_needed() -> None:
    unscoped = {pair for name in NAMES for pair in permissions.unscoped(name, document(name))}
    for entry in permissions.UNSCOPED:
        assert len(entry["reason"]) > 20
        for action in entry["actions"]:
            assert any(
                fnmatch.fnmatchcase(where, entry["where"]) and action == unscoped_action
                for where, unscoped_action in unscoped
            ), (entry, action)
    attached = {policy for name in NAMES for policy in permissions.attached(name, document(name))}
    assert attached == set(permissions.MANAGED)


def test_four_functions_begin_updates() -> None:
    assert set(permissions.updating_roles(document(OURS))) == {
        "PreviewUpdateFunctionRole",
        "UpdateStackFunctionRole",
        "RollBackFunctionRole",
        "RestoreAlarmsFunctionRole",
    }


def test_every_parameter_type_of_cloudformation_has_its_actions() -> None:
    """cfn-lint has CloudFormation's list of types, which has each of them also as a list and as an SSM parameter's."""
    types = {kind.removeprefix("List<").partition("<")[0].rstrip(">") for kind in VALID_PARAMETER_TYPES}
    assert set(PARAMETER_TYPES) == {kind for kind in types if kind.startswith("AWS::")}
    for action in permissions.PARAMETER_ACTIONS:
        service, _, name = action.partition(":")
        assert name.lower() in permissions.actions_of_aws()[service]["Actions"], action
