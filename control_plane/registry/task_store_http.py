"""The state of an experiment that another server hosts, over HTTP; the one place where the control plane calls out."""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass

from pydantic import ValidationError

from store_client.errors import Unreachable
from store_client.wire.experiments import Experiment

SECONDS = 5.0
MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True)
class TaskStoreOverHttp:
    """Another server's `read_experiment`, asked with the admin token that both share."""

    url: str
    admin_token: str

    def __call__(self, experiment_id: str) -> str | None:
        """`running` or `terminated`; None when that server has no such experiment (yet)."""
        headers = {"Authorization": f"Bearer admin:{self.admin_token}", "X-Eden-Experiment-Id": experiment_id}
        asked = urllib.request.Request(f"{self.url.rstrip('/')}/v0/experiments/{experiment_id}", headers=headers)  # noqa: S310 - settings let only http and https through
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310 - settings let only http and https through
                return Experiment.model_validate(json.loads(answer.read(MAX_ANSWER_BYTES))).state
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.NOT_FOUND:
                    return None
            raise Unreachable(f"{self.url} answered {error.code}") from error
        except (OSError, http.client.HTTPException, ValueError, ValidationError) as error:
            raise Unreachable(f"{self.url} gave no usable answer: {error}") from error
