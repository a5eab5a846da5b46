"""The tables on which an archive's lines are laid out before anything is written: found by id, compared, counted."""

COLUMNS = {
    "tasks": "n INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, state TEXT, subject TEXT, submitted_by TEXT, row TEXT",
    "ideas": "n INTEGER PRIMARY KEY, id TEXT UNIQUE, state TEXT, priority REAL, row TEXT",
    "variants": (
        "n INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, idea TEXT, status TEXT, branch TEXT UNIQUE, "
        "commit_sha TEXT, integrated TEXT, value REAL, row TEXT"
    ),
    "submissions": "n INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, row TEXT",
    "events": (
        "n INTEGER PRIMARY KEY, id TEXT UNIQUE, minted TEXT, type TEXT, occurred_at TEXT, task TEXT, idea TEXT, "
        "variant TEXT, data TEXT"
    ),
    "workers": "n INTEGER PRIMARY KEY, id TEXT UNIQUE, row TEXT",
    "groups": "n INTEGER PRIMARY KEY, id TEXT UNIQUE, name TEXT, row TEXT",
    "members": "grp TEXT, member TEXT, PRIMARY KEY (grp, member)",
    "commits": "sha TEXT PRIMARY KEY, place TEXT",
    "artifacts": (
        "n INTEGER PRIMARY KEY, id TEXT UNIQUE, sha256 TEXT, filename TEXT, content_type TEXT, size_bytes INTEGER, "
        "created_by TEXT, created_at TEXT"
    ),
}
LIVE = "subject IS NOT NULL AND state IN ('pending', 'claimed', 'submitted')"
TABLES = (
    *(f"CREATE TABLE {name} ({columns})" for name, columns in COLUMNS.items()),
    f"CREATE UNIQUE INDEX live ON tasks (kind, subject) WHERE {LIVE}",
    "CREATE INDEX subjects ON tasks (subject, kind)",
    "CREATE UNIQUE INDEX baseline ON variants (kind) WHERE kind IS NOT NULL",
    "CREATE INDEX hashes ON artifacts (sha256, n)",
    "CREATE INDEX integrations ON events (variant, n) WHERE type = 'variant.integrated'",
)
