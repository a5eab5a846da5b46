"""Passwords, invitations, roles in experiments, and what is told of a session."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "credentials",
        sa.Column(
            "is_confined",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="of somebody without a role in the deployment, who sees nothing there but what is theirs",
        ),
    )
    _operators()
    _sessions()
    op.create_table(
        "experiment_roles",
        sa.Column("operator_id", sa.String(), nullable=False),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("granted_at", sa.String(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'operator', 'administrator')", name=op.f("ck_experiment_roles_role")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.operator_id"], name=op.f("fk_experiment_roles_operator_id")
        ),
        sa.PrimaryKeyConstraint("operator_id", "experiment_id", name=op.f("pk_experiment_roles")),
    )
    op.create_index("ix_experiment_roles_experiment_id", "experiment_roles", ["experiment_id"])
    _invitations()
    op.create_table(
        "guesses",
        sa.Column(
            "digest", sa.String(), nullable=False, comment="keyed hash of whose password is tried, from where, or both"
        ),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="that were not followed by the right one"),
        sa.Column("until", sa.String(), nullable=False, comment="when they are forgotten"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_guesses")),
    )
    op.create_index("ix_guesses_until", "guesses", ["until"])


def _operators() -> None:
    for column in (
        sa.Column(
            "is_confined",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="has no role in the deployment, and sees only the experiments of its roles there",
        ),
        sa.Column("sign_in_name", sa.String(), comment="what they sign in with beside a password, in lower case"),
        sa.Column("password", sa.Text(), comment="hashed by argon2, salt and cost included"),
        sa.Column("password_set_at", sa.String()),
        sa.Column("subject", sa.String(), comment="who they are to the OpenID Connect provider: issuer and subject"),
    ):
        op.add_column("operators", column)
    op.create_index("uq_operators_sign_in_name", "operators", ["sign_in_name"], unique=True)
    op.create_index("uq_operators_subject", "operators", ["subject"], unique=True)


def _sessions() -> None:
    for column in (
        sa.Column("session_id", sa.String(), comment="what it is called in lists; no secret"),
        sa.Column("last_seen_at", sa.String()),
        sa.Column("browser", sa.String(), comment="what the browser said that it is"),
        sa.Column("way", sa.String(), comment="how they signed in"),
    ):
        op.add_column("sessions", column)
    op.execute("UPDATE sessions SET session_id = 'ses_' || substr(digest, 1, 26), way = 'link'")
    op.create_index("ix_sessions_operator_id", "sessions", ["operator_id"])
    op.create_index("uq_sessions_session_id", "sessions", ["session_id"], unique=True)


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("invitation_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False, comment="keyed hash of the link's code"),
        sa.Column("operator_id", sa.String(), comment="whose password it sets anew"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sign_in_name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False, comment="in the deployment; member: none"),
        sa.Column("experiments", sa.JSON(), nullable=False, comment="the roles in experiments, by id"),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.operator_id"], name=op.f("fk_invitations_operator_id")),
        sa.PrimaryKeyConstraint("invitation_id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
    )
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"])
    op.create_index("ix_invitations_operator_id", "invitations", ["operator_id"])


def downgrade() -> None:
    raise NotImplementedError("go back to the backup that was made before the upgrade")
