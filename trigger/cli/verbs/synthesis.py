"""``--synth``: vendor tools on a project, where they are installed."""
