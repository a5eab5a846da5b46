"""The config of one experiment, and its versions."""

from store_client.resources.resource import Resource
from store_client.wire.call import PageQuery
from store_client.wire.calls import configs as calls
from store_client.wire.configs import ChangeConfig, CheckConfig, ConfigHistory, ConfigReport, ConfigVersion


class Configs(Resource):
    """Calls about the config of one experiment."""

    async def read_config(self) -> ConfigVersion:
        answer: ConfigVersion = await self._send(calls.READ_CONFIG)
        return answer

    async def check_config(self, text: str) -> ConfigReport:
        """What would come of a YAML text; nothing is changed."""
        answer: ConfigReport = await self._send(calls.CHECK_CONFIG, CheckConfig(text=text))
        return answer

    async def change_config(self, text: str, based_on: int) -> ConfigVersion:
        """Have another config, written from a version; InvalidPrecondition when there is a newer one."""
        answer: ConfigVersion = await self._send(calls.CHANGE_CONFIG, ChangeConfig(text=text, based_on=based_on))
        return answer

    async def list_config_versions(self, limit: int = 50, after: str | None = None) -> ConfigHistory:
        """The versions, the newest first."""
        query = PageQuery(limit=limit, after=after)
        answer: ConfigHistory = await self._send(calls.LIST_CONFIG_VERSIONS, query=query)
        return answer

    async def read_config_version(self, number: int) -> ConfigVersion:
        answer: ConfigVersion = await self._send(calls.READ_CONFIG_VERSION, number=str(number))
        return answer
