"""Running one experiment: its checkpoints."""

from web_ui.pages import admin_checkpoints

PAGES = (
    ("/admin/checkpoints", admin_checkpoints.index, "checkpoints"),
    ("/admin/checkpoints/{archive}", admin_checkpoints.fetch, "fetch_checkpoint"),
)
ACTS = (
    ("/admin/checkpoints/save", admin_checkpoints.save, "save_checkpoint"),
    ("/admin/checkpoints/import", admin_checkpoints.bring_back, "import_checkpoint"),
    ("/admin/checkpoints/{archive}/delete", admin_checkpoints.delete, "delete_checkpoint"),
)
