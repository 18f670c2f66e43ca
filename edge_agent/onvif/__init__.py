"""Which cameras are on the network, and where their streams are: WS-Discovery and the few ONVIF questions it takes.

cameras = [ask(answer, login) for answer in discover(seconds=3.0)]
"""
