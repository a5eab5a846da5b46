"""Calls about variants (protocol §5.2 to §5.8)."""

from collections.abc import Iterable
from typing import Literal, TypedDict

from pydantic import Field

from store_client.wire.call import Call, PageQuery, Query, Who
from store_client.wire.courses import Course, Sample
from store_client.wire.experiments import ProgressPoint
from store_client.wire.variants import (
    CreateVariant,
    IntegrateVariant,
    Lineage,
    Variant,
    VariantDetail,
    VariantPage,
    VariantStatus,
)

P = "/v0/experiments/{experiment_id}/variants"
A = "/api/experiments/{experiment_id}/variants"


MOST_IDS = 100


class VariantFilter(Query):
    status: VariantStatus | None = None


class VariantChoice(TypedDict, total=False):
    """Which variants alone."""

    begins: str | None
    ids: Iterable[str] | None


class VariantPageQuery(PageQuery):
    status: VariantStatus | None = None
    order: Literal["newest", "best"] = "newest"
    ids: str | None = Field(default=None, max_length=20_000, description="only these variants; commas between")
    begins: str | None = Field(
        default=None, max_length=200, description="only those whose idea's slug or whose commit begins so"
    )

    @property
    def wanted_ids(self) -> tuple[str, ...] | None:
        return None if self.ids is None else tuple(self.ids.split(","))[:MOST_IDS]


class LineageQuery(Query):
    """A page by number, or with `since` what has changed after a position of the log."""

    after: int = Field(default=0, ge=0, le=2**62, description="the `next` of the page before")
    limit: int = Field(default=5000, ge=1, le=5000)
    since: int | None = Field(default=None, ge=0, le=2**62, description="the `cursor` of an earlier answer")


class AroundQuery(Query):
    limit: int = Field(default=300, ge=1, le=1000, description="how many variants at most")


class SampleQuery(Query):
    limit: int = Field(default=160, ge=1, le=500)


class CourseQuery(Query):
    metric: str | None = Field(default=None, max_length=200, description="default: the objective")
    improvements: int = Field(default=8, ge=0, le=50, description="how many of the newest to tell")


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
READ_COURSE = Call(
    "read_course", "GET", "/api/experiments/{experiment_id}/course", Who.EITHER,
    "How the objective or a metric went, in a bounded number of points", query=CourseQuery, answer=Course,
)  # fmt: skip
READ_SAMPLE = Call(
    "read_sample", "GET", "/api/experiments/{experiment_id}/sample", Who.EITHER,
    "Some variants with all that they measured, the extremes of each metric among them",
    query=SampleQuery, answer=Sample,
)  # fmt: skip
READ_PROGRESS = Call(
    "read_progress", "GET", "/api/experiments/{experiment_id}/progress", Who.EITHER,
    "Every variant's objective value in order", answer=tuple[ProgressPoint, ...],
)  # fmt: skip
READ_LINEAGE = Call(
    "read_lineage", "GET", "/api/experiments/{experiment_id}/lineage", Who.EITHER,
    "Page through the graph of variants and their parents", query=LineageQuery, answer=Lineage,
)  # fmt: skip
READ_LINEAGE_AROUND = Call(
    "read_lineage_around", "GET", "/api/experiments/{experiment_id}/lineage/{variant_id}", Who.EITHER,
    "Read a variant's ancestors and descendants, nearest first, and its nearest ancestors' other descendants",
    query=AroundQuery, answer=Lineage,
)  # fmt: skip

CALLS = (
    CREATE_VARIANT, LIST_VARIANTS, READ_VARIANT, DECLARE_EVALUATION_ERROR, INTEGRATE_VARIANT,
    LIST_VARIANT_PAGE, READ_VARIANT_DETAIL, READ_PROGRESS, READ_COURSE, READ_SAMPLE, READ_LINEAGE, READ_LINEAGE_AROUND,
)  # fmt: skip
