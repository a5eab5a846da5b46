"""Tidying one experiment up: its work branches and its files."""

from web_ui.pages import admin_files, admin_refs

PAGES = (("/admin/refs", admin_refs.index, "refs"), ("/admin/files", admin_files.index, "files"))
ACTS = (
    ("/admin/refs/preview", admin_refs.preview, "preview_refs"),
    ("/admin/refs/remove", admin_refs.remove, "remove_refs"),
    ("/admin/refs/restore", admin_refs.restore, "restore_refs"),
)
