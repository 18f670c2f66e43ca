"""A real RTSP server for tests: ``/usr/bin/python3 rtsp_server.py FILE|pattern [PORT]``.

Runs on the system's Python, because GStreamer's bindings come from Debian (``make setup-test``). Serves
``rtsp://127.0.0.1:PORT/live`` and prints that address once it listens. ``pattern`` is a live 320×240 picture
at 15 Hz. FILE is an H.264 .mp4, sent at its own pace; at its end the stream closes, and whoever reconnects
sees it from the start.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PATTERN = (
    "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96 )"
)
FILE = "( filesrc location={} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 )"


def main(source: str, port: str) -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PATTERN if source == "pattern" else FILE.format(source))
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit(f"cannot listen on 127.0.0.1:{port}")
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}/live", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "0")
