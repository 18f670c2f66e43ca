"""``edge-agent setup``: the installer's page, beside the agent and not a part of it.

``watch`` looks through the cameras, ``floor`` and ``site_file`` write zones and masks into the settings file,
``server`` and ``page`` show it all in a browser on this machine.
"""
