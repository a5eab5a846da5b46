"""The part of the face that is about an experiment's settings."""

from store_client.wire.configs import (
    ChangeConfig,
    CheckConfig,
    ConfigChange,
    ConfigFault,
    ConfigHistory,
    ConfigLine,
    ConfigReport,
    ConfigVersion,
)
from store_client.wire.experiments import ChangeExperiment

__all__ = [
    "ChangeConfig",
    "ChangeExperiment",
    "CheckConfig",
    "ConfigChange",
    "ConfigFault",
    "ConfigHistory",
    "ConfigLine",
    "ConfigReport",
    "ConfigVersion",
]
