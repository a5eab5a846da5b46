"""Calls about variants (protocol §5.2 to §5.8)."""

from typing import Literal

from store_client.wire.call import Call, PageQuery, Query, Who
from store_client.wire.experiments import ProgressPoint
from store_client.wire.variants import (
    CreateVariant,
    IntegrateVariant,
    Variant,
    VariantDetail,
    VariantPage,
    VariantStatus,
)

P = "/v0/experiments/{experiment_id}/variants"
A = "/api/experiments/{experiment_id}/variants"


class VariantFilter(Query):
    status: VariantStatus | None = None


class VariantPageQuery(PageQuery):
    status: VariantStatus | None = None
    order: Literal["newest", "best"] = "newest"


CREATE_VARIANT = Call(
    "create_variant", "POST", P, Who.WORKER, "Start a variant; a baseline needs the group orchestrators",
    body=CreateVariant, answer=Variant, is_answer_optional=True,
)  # fmt: skip
LIST_VARIANTS = Call(
    "list_variants", "GET", P, Who.EITHER, "List variants", query=VariantFilter, answer=tuple[Variant, ...]
)
READ_VARIANT = Call("read_variant", "GET", P + "/{variant_id}", Who.EITHER, "Read a variant", answer=Variant)
DECLARE_EVALUATION_ERROR = Call(
    "declare_variant_evaluation_error", "POST", P + "/{variant_id}/declare-evaluation-error", Who.WORKER,
    "Give up evaluating a variant",
)  # fmt: skip
INTEGRATE_VARIANT = Call(
    "integrate_variant", "POST", P + "/{variant_id}/integrate", Who.ORCHESTRATORS,
    "Record a variant's canonical commit", body=IntegrateVariant, is_safe_to_repeat=True,
)  # fmt: skip
LIST_VARIANT_PAGE = Call(
    "list_variant_page", "GET", A, Who.EITHER, "Page through variants", query=VariantPageQuery, answer=VariantPage
)
READ_VARIANT_DETAIL = Call(
    "read_variant_detail", "GET", A + "/{variant_id}", Who.EITHER, "Read a variant with its names", answer=VariantDetail
)
READ_PROGRESS = Call(
    "read_progress", "GET", "/api/experiments/{experiment_id}/progress", Who.EITHER,
    "Every variant's objective value in order", answer=tuple[ProgressPoint, ...],
)  # fmt: skip

CALLS = (
    CREATE_VARIANT, LIST_VARIANTS, READ_VARIANT, DECLARE_EVALUATION_ERROR, INTEGRATE_VARIANT,
    LIST_VARIANT_PAGE, READ_VARIANT_DETAIL, READ_PROGRESS,
)  # fmt: skip
