"""Calls about an experiment's config: checked, changed, and its versions."""

from store_client.wire.call import Call, PageQuery, Who
from store_client.wire.configs import ChangeConfig, CheckConfig, ConfigHistory, ConfigReport, ConfigVersion

C = "/api/experiments/{experiment_id}/config"

READ_CONFIG = Call("read_config", "GET", C, Who.EITHER, "Read the config as it was written", answer=ConfigVersion)
CHECK_CONFIG = Call(
    "check_config", "POST", C + "/check", Who.ADMIN_OR_ADMINS, "Check a config; nothing is changed",
    body=CheckConfig, answer=ConfigReport, is_safe_to_repeat=True,
)  # fmt: skip
CHANGE_CONFIG = Call(
    "change_config", "PUT", C, Who.ADMIN_OR_ADMINS, "Change the config", body=ChangeConfig, answer=ConfigVersion,
    is_safe_to_repeat=True,
)  # fmt: skip
LIST_CONFIG_VERSIONS = Call(
    "list_config_versions", "GET", C + "/versions", Who.EITHER, "List the versions of the config, the newest first",
    query=PageQuery, answer=ConfigHistory,
)  # fmt: skip
READ_CONFIG_VERSION = Call(
    "read_config_version", "GET", C + "/versions/{number}", Who.EITHER, "Read one of them", answer=ConfigVersion
)

CALLS = (READ_CONFIG, CHECK_CONFIG, CHANGE_CONFIG, LIST_CONFIG_VERSIONS, READ_CONFIG_VERSION)
