"""CloudFormation over HTTP, as the AWS CLI and the SDKs reach it, with time that runs on its own."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from local_aws.aws import LocalAws
from local_aws.core.ids import REGION
from tests.local_aws.stack_world import APPLICATION, NETWORK, given


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_stack_is_created_patched_and_deleted_over_http() -> None:
    """API Reference, the query protocol: what boto3 sends and parses, with the statuses seen from outside."""
    with LocalAws(speed=3000) as aws, aws.clock.away():
        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            _, port = server.get_host_and_port()
            address = f"http://127.0.0.1:{port}"
            stacks: Any = boto3.client("cloudformation", region_name=REGION, endpoint_url=address)
            ec2: Any = boto3.client("ec2", region_name=REGION, endpoint_url=address)
            old, new = (ec2.register_image(Name=name, Architecture="x86_64")["ImageId"] for name in ("old", "new"))
            stacks.create_stack(StackName="network", TemplateBody=NETWORK)
            outputs = stacks.describe_stacks(StackName="network")["Stacks"][0]["Outputs"]
            values = {output["OutputKey"]: output["OutputValue"] for output in outputs}
            stacks.create_stack(
                StackName="app", TemplateBody=APPLICATION, Parameters=given(AmazonMachineImage=old, **values)
            )
            assert stacks.describe_stacks(StackName="app")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
            update = {
                "StackName": "app",
                "UsePreviousTemplate": True,
                "Parameters": given(AmazonMachineImage=new, **values),
            }
            stacks.update_stack(**update)
            with pytest.raises(ClientError, match="is in UPDATE_IN_PROGRESS state and can not be updated"):
                stacks.update_stack(**update)
            waiter = stacks.get_waiter("stack_update_complete")
            waiter.wait(StackName="app", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
            reservations = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])[
                "Reservations"
            ]
            images = [instance["ImageId"] for reservation in reservations for instance in reservation["Instances"]]
            assert images == [new, new]
            stacks.delete_stack(StackName="app")
            with pytest.raises(ClientError, match="Stack with id app does not exist"):
                stacks.describe_stacks(StackName="app")
        finally:
            server.stop()
