"""Templates as CloudFormation reads them.

Source: CloudFormation User Guide, "Template formats", "Intrinsic function reference".
"""

from __future__ import annotations

import pytest

from local_aws.cloudformation.errors import ValidationError
from local_aws.cloudformation.reader import read_template


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"A": {"Ref": "B"}}', {"A": {"Ref": "B"}}),
        ("A: !Ref B", {"A": {"Ref": "B"}}),
        ("A: !GetAtt B.C.D", {"A": {"Fn::GetAtt": ["B", "C.D"]}}),
        ("A: !GetAtt [B, !Ref C]", {"A": {"Fn::GetAtt": ["B", {"Ref": "C"}]}}),
        ("A: !Sub ['${B}', {B: !Ref C}]", {"A": {"Fn::Sub": ["${B}", {"B": {"Ref": "C"}}]}}),
        ("A: !And [!Condition B, !Condition C]", {"A": {"Fn::And": [{"Condition": "B"}, {"Condition": "C"}]}}),
        ("AWSTemplateFormatVersion: 2010-09-09", {"AWSTemplateFormatVersion": "2010-09-09"}),
        ("A: &one {B: 1}\nC: *one", {"A": {"B": 1}, "C": {"B": 1}}),
    ],
)
def test_short_forms_are_functions_and_dates_are_strings(text: str, document: object) -> None:
    assert read_template(text) == document


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "JSON not well-formed. (line 1, column 2)"),
        ("A: [", "YAML not well-formed. (line 1, column 5)"),
        ("A: B: C", "YAML not well-formed. (line 1, column 5)"),
        ("- A", "unsupported structure."),
    ],
)
def test_what_is_no_template_is_refused(text: str, message: str) -> None:
    """Troubleshooting CloudFormation, "Template format error"."""
    with pytest.raises(ValidationError) as refused:
        read_template(text)
    assert refused.value.message == f"Template format error: {message}"
