"""Running one experiment: its settings and its checkpoints."""

from web_ui.pages import admin_checkpoints, admin_settings

PAGES = (
    ("/admin/settings", admin_settings.index, "settings"),
    ("/admin/checkpoints", admin_checkpoints.index, "checkpoints"),
    ("/admin/checkpoints/{archive}", admin_checkpoints.fetch, "fetch_checkpoint"),
)
ACTS = (
    ("/admin/settings/tell", admin_settings.tell, "tell_experiment"),
    ("/admin/settings/check", admin_settings.check, "check_config"),
    ("/admin/settings/save", admin_settings.save, "save_config"),
    ("/admin/settings/end", admin_settings.end, "end_by_name"),
    ("/admin/settings/archive", admin_settings.archive, "archive"),
    ("/admin/settings/unarchive", admin_settings.unarchive, "unarchive"),
    ("/admin/checkpoints/save", admin_checkpoints.save, "save_checkpoint"),
    ("/admin/checkpoints/import", admin_checkpoints.bring_back, "import_checkpoint"),
    ("/admin/checkpoints/{archive}/delete", admin_checkpoints.delete, "delete_checkpoint"),
)
