"""What the fleet's panels have in common."""

from scripts.dashboards.look import QUALITY, Field

SITE = 'site=~"$site"'
NO_PAGE = "No agent's page is read: see grafana/README.md"
NO_BRIDGE = "No bridge's page is read: is the bridge up, and does Prometheus know it?"
AGENT_UP = f"max by (site, agent) (ergo_agent_up{{{SITE}}})"
BLIND = "site_instance_camera:edge_agent_camera_blind_seconds"
SEEN = "ergo_agent_last_seen_timestamp_seconds"
FRAMES = "site_instance_camera:edge_agent_frames"
SILENT = Field(
    QUALITY,
    "pages read",
    f'avg(up{{job="hingewatch-agents",{SITE}}})',
    "percentunit",
)
"""A page that is not read tells nothing: of its cameras no number here knows."""
