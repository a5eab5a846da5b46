"""The part of the face that is about narrowing lists by what a person writes."""

from store_client.filter_language import Field as FilterField
from store_client.filter_language import Narrowing
from store_client.filter_language import Operator as FilterOperator
from store_client.filter_language import Term as FilterTerm
from store_client.filter_language import narrowing as read_filter
from store_client.filter_language import number as read_number
from store_client.filter_language import parse as filter_terms
from store_client.filter_language import seconds as read_seconds
from store_client.filter_language import suggestions as filter_suggestions
from store_client.filter_language import without as filter_without
from store_client.filter_language import write as write_filter
from store_client.task_choice import TASK_FIELDS, choice_of, choice_text, view_of, worker_named

__all__ = [
    "TASK_FIELDS", "FilterField", "FilterOperator", "FilterTerm", "Narrowing", "choice_of", "choice_text",
    "filter_suggestions", "filter_terms", "filter_without", "read_filter", "read_number", "read_seconds", "view_of",
    "worker_named", "write_filter",
]  # fmt: skip
