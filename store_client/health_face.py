"""The part of the face that is about how a deployment does."""

from store_client.wire.health import Health, HealthPart, HealthState

__all__ = ["Health", "HealthPart", "HealthState"]
