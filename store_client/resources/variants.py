"""Variants: start, read, integrate, and the progress they make."""

from typing import Literal, Unpack

from store_client.resources.resource import Resource
from store_client.wire.calls import variants as calls
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


class Variants(Resource):
    """Calls about the variants of one experiment."""

    async def create_variant(self, body: CreateVariant) -> Variant:
        answer: Variant | None = await self._send(calls.CREATE_VARIANT, body)
        return answer or await self.read_variant(body.variant_id)

    async def list_variants(self, status: VariantStatus | None = None) -> tuple[Variant, ...]:
        answer: tuple[Variant, ...] = await self._send(calls.LIST_VARIANTS, query=calls.VariantFilter(status=status))
        return answer

    async def read_variant(self, variant_id: str) -> Variant:
        answer: Variant = await self._send(calls.READ_VARIANT, variant_id=variant_id)
        return answer

    async def declare_variant_evaluation_error(self, variant_id: str) -> None:
        await self._send(calls.DECLARE_EVALUATION_ERROR, variant_id=variant_id)

    async def integrate_variant(self, variant_id: str, variant_commit_sha: str) -> None:
        body = IntegrateVariant(variant_commit_sha=variant_commit_sha)
        await self._send(calls.INTEGRATE_VARIANT, body, variant_id=variant_id)

    async def list_variant_page(
        self,
        status: VariantStatus | None = None,
        order: Literal["newest", "best"] = "newest",
        after: str | None = None,
        limit: int = 50,
        **choice: Unpack[calls.VariantChoice],
    ) -> VariantPage:
        """One page of variants; `begins` leaves those whose slug or commit begins so, `ids` those alone."""
        ids = choice.get("ids")
        query = calls.VariantPageQuery(
            status=status,
            order=order,
            after=after,
            limit=limit,
            begins=choice.get("begins"),
            ids=None if ids is None else ",".join(ids),
        )
        answer: VariantPage = await self._send(calls.LIST_VARIANT_PAGE, query=query)
        return answer

    async def read_variant_detail(self, variant_id: str) -> VariantDetail:
        answer: VariantDetail = await self._send(calls.READ_VARIANT_DETAIL, variant_id=variant_id)
        return answer

    async def read_course(self, metric: str | None = None) -> Course:
        """The course of the objective, or of a metric."""
        answer: Course = await self._send(calls.READ_COURSE, query=calls.CourseQuery(metric=metric))
        return answer

    async def read_sample(self, limit: int = 160) -> Sample:
        """Some variants with all that they measured."""
        answer: Sample = await self._send(calls.READ_SAMPLE, query=calls.SampleQuery(limit=limit))
        return answer

    async def read_progress(self) -> tuple[ProgressPoint, ...]:
        """Every variant's objective value, in the order in which they were started."""
        answer: tuple[ProgressPoint, ...] = await self._send(calls.READ_PROGRESS)
        return answer

    async def read_lineage(self, after: int = 0, since: int | None = None, limit: int = 5000) -> Lineage:
        """The graph by number, or what has changed in it since the cursor of an earlier answer."""
        query = calls.LineageQuery(after=after, since=since, limit=limit)
        answer: Lineage = await self._send(calls.READ_LINEAGE, query=query)
        return answer

    async def read_lineage_around(self, variant_id: str, limit: int = 300) -> Lineage:
        """What a variant was built on, and what was built on it, nearest first."""
        query = calls.AroundQuery(limit=limit)
        answer: Lineage = await self._send(calls.READ_LINEAGE_AROUND, query=query, variant_id=variant_id)
        return answer
