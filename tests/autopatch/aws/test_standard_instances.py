"""Which instances count against the quota of running On-Demand Standard instances."""

from __future__ import annotations

import re

import botocore.session
import pytest

from autopatch.aws.ec2 import Instance


def instance(instance_type: str, is_on_demand: bool = True) -> Instance:
    return Instance("i-1", "ami-1", instance_type, "x86_64", "running", 2, is_on_demand)


def every_family() -> set[str]:
    """The letters of each instance type that botocore knows, such as `c` of c7gn.large and `inf` of inf2.xlarge."""
    model = botocore.session.get_session().get_service_model("ec2")
    types = model.shape_for("InstanceType").metadata["enum"]
    return {re.split(r"[0-9.-]", name)[0] for name in types}


@pytest.mark.parametrize("family", sorted(every_family()))
def test_a_family_is_standard_by_its_letters(family: str) -> None:
    """Amazon EC2 user guide, "Amazon EC2 instance type quotas": A, C, D, H, I, M, R, T and Z are standard; DL, F, G,
    VT, HPC, Inf, Mac, P, Trn, U (high memory) and X have quotas of their own."""
    standard = {"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"}
    standard |= {"cc", "cg", "cr", "hi", "hs"}  # retired ones, of which nothing is said: they count, to be careful
    others = {"dl", "f", "g", "gr", "hpc", "inf", "mac", "p", "trn", "u", "vt", "x"}
    assert family in standard | others, "a family that this test does not know"
    assert instance(f"{family}5.large").is_standard is (family in standard)


@pytest.mark.parametrize("instance_type", ["m7i-flex.large", "c7gn.16xlarge", "i4i.metal", "t3a.nano", "r6id.large"])
def test_generations_and_attributes_do_not_matter(instance_type: str) -> None:
    assert instance(instance_type).is_standard


@pytest.mark.parametrize("instance_type", ["u-6tb1.metal", "u7i-12tb.224xlarge", "mac2-m2pro.metal", "g4dn.xlarge"])
def test_names_with_hyphens_are_told_by_their_letters_as_well(instance_type: str) -> None:
    assert not instance(instance_type).is_standard


def test_spot_instances_have_a_quota_of_their_own() -> None:
    assert not instance("m5.large", is_on_demand=False).is_standard
