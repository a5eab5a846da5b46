"""The part of the face that is about making experiments and setting them up."""

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
from store_client.wire.sources import Example, ExampleList, FetchSource, Source, UnmadeExperiment, UnmadeList

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
    "Example",
    "ExampleList",
    "FetchSource",
    "Source",
    "UnmadeExperiment",
    "UnmadeList",
]
