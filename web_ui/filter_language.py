"""The language that lists are narrowed in, which commands share, by the short names that pages have for it."""

from store_client import FilterField as Field
from store_client import FilterOperator as Operator
from store_client import FilterTerm as Term
from store_client import Narrowing
from store_client import filter_suggestions as suggestions
from store_client import filter_terms as parse
from store_client import filter_without as without
from store_client import read_filter as narrowing
from store_client import read_number as number
from store_client import read_seconds as seconds
from store_client import write_filter as write

__all__ = [
    "Field", "Narrowing", "Operator", "Term", "narrowing", "number", "parse", "seconds", "suggestions", "without",
    "write",
]  # fmt: skip
