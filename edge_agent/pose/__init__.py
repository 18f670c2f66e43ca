"""Pose estimation on OpenVINO: pictures in, landmarks and outlines out. Knows nothing of lifts."""
