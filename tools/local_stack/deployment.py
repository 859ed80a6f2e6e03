"""The packaged template on the engine: deployed once for each state of the packages, and completed."""

import contextlib
import hashlib
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import ClientError

from tools.local_stack.engine import Engine, StackError
from tools.local_stack.gaps import any_methods, concurrency, gateway_responses
from tools.local_stack.places import BUILD, CREDENTIALS, HOST, ROOT, STACK, STAGE, TOOLS, shown, tail

_BASE_PATH = "batchyard"
_PACKAGES = "batchyard-packages"


class Deployment:
    """What is deployed on an engine, and what should be.

    Args:
        engine: The engine, which runs when this is asked for anything.
        log: The file for what `sam deploy` prints.
        environment: The environment of `sam deploy`.
    """

    def __init__(self, engine: Engine, log: Path, environment: Mapping[str, str]) -> None:
        self.base_url = f"{engine.url}/{_BASE_PATH}"
        self._engine = engine
        self._log = log
        self._environment = environment

    def wanted(self) -> str:
        """What tells one deployment from another: the packaged files and the parameters."""
        if not (BUILD / "template.yaml").exists():
            raise StackError(f"{shown(BUILD)} is missing; `make build` packages what is deployed.")
        digest = hashlib.sha256(repr(sorted(self._parameters().items())).encode())
        for file in sorted(BUILD.rglob("*")):
            if file.is_file():
                digest.update(f"\n{file.relative_to(BUILD)} ".encode() + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def present(self) -> str | None:
        """The fingerprint of what is deployed completely: `_complete` leaves it, as its last step."""
        api = self._engine.client("apigateway")
        try:
            mapping = api.get_base_path_mapping(domainName=HOST, basePath=_BASE_PATH)
            stage = api.get_stage(restApiId=mapping["restApiId"], stageName=mapping["stage"])
            deployment = api.get_deployment(restApiId=mapping["restApiId"], deploymentId=stage["deploymentId"])
        except api.exceptions.NotFoundException:
            return None
        return str(deployment.get("description", ""))

    def deploy(self) -> None:
        """Deploys what is packaged, and completes it.

        Raises:
            StackError: It cannot be deployed.
        """
        cloudformation = self._engine.client("cloudformation")
        if self._status() in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS"}:
            # What never came up can only be deleted.
            cloudformation.delete_stack(StackName=STACK)
        s3 = self._engine.client("s3")
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(
                Bucket=_PACKAGES, CreateBucketConfiguration={"LocationConstraint": CREDENTIALS["AWS_REGION"]}
            )
        sam = TOOLS / "sam" / "bin" / "sam"
        if not sam.exists():
            raise StackError(f"{sam} is missing; `make setup` installs it.")
        with self._log.open("wb") as output:
            ended = subprocess.run(
                [
                    *(sam, "deploy", "--config-file", ROOT / "samconfig.toml", "--config-env", "local"),
                    *("--template-file", BUILD / "template.yaml", "--parameter-overrides"),
                    *(f"{name}={value}" for name, value in self._parameters().items()),
                ],
                cwd=self._log.parent,
                env={**self._environment, "SAM_CLI_TELEMETRY": "0"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
        if ended.returncode or not str(self._status()).endswith("_COMPLETE") or "ROLLBACK" in str(self._status()):
            raise StackError(
                f"The deployment failed.\n{self._reasons() or tail(self._log)}\nMore in {shown(self._log)}."
            )
        self._complete()

    def physical_id(self, logical_id: str) -> str:
        """What a resource of the template is called on the engine."""
        cloudformation = self._engine.client("cloudformation")
        found = cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def _complete(self) -> None:
        """Fills the engine's gaps, and gives the API its address, which stays when the API gets another ID."""
        gateway, api = self._engine.client("apigateway"), self.physical_id("Api")
        template = self._engine.client("cloudformation").get_template(StackName=STACK, TemplateStage="Processed")
        document = template["TemplateBody"]["Resources"]["Api"]["Properties"]["Body"]
        concurrency.mend(self._engine.client("lambda"))
        gateway_responses.put(gateway, api, document)
        any_methods.put(gateway, api, document, CREDENTIALS["AWS_REGION"], self._arn_of)
        gateway.create_domain_name(domainName=HOST)
        gateway.create_base_path_mapping(domainName=HOST, basePath=_BASE_PATH, restApiId=api, stage=STAGE)
        gateway.create_deployment(restApiId=api, stageName=STAGE, description=self.wanted())

    def _arn_of(self, function: str) -> str:
        """The ARN of a function by its logical ID."""
        found = self._engine.client("lambda").get_function_configuration(FunctionName=self.physical_id(function))
        return str(found["FunctionArn"])

    def _parameters(self) -> dict[str, str]:
        architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
        # The engine has no web ACLs of API stages. What never came up must go, with its tables.
        own = {"WebAcl": "off", "DeletionProtection": "off"}
        return {"Architecture": architecture, "Stage": STAGE, "PublicUrl": self.base_url, **own}

    def _status(self) -> str | None:
        cloudformation = self._engine.client("cloudformation")
        try:
            return str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])
        except ClientError:
            return None

    def _reasons(self) -> str:
        """Why resources failed, the latest first."""
        try:
            events = self._engine.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
        except ClientError:
            return ""
        return "\n".join(
            f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        )
