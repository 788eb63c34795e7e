"""An application with the OpenKit port for Python from PyPI. Arguments: endpoint, application id."""

import sys
import threading
import time

from openkit import OpenKit

endpoint, application_id = sys.argv[1:]
kit = OpenKit(endpoint, application_id, 77, os="Linux 6.1", manufacturer="M & S", version="1.2.3")
while not kit.initialized():
    # Its own wait misses an initialization that was quicker.
    time.sleep(0.02)
session = kit.create_session("203.0.113.9")
session.identify_user("alice+x@example.com")
checkout = session.enter_action("check out")
checkout.report_value("long", 9007199254740993)
checkout.report_value("double", 1e21)
checkout.report_error("Declined", 402, "no money")
pay = checkout.enter_action("pay")
tracer = checkout.trace_web_request("https://api.example.com/v1")
tracer.start()
tracer.stop(200)
pay.leave_action()
checkout.leave_action()
session.end()
kit.shutdown()
for thread in threading.enumerate():
    # Its sender is a daemon, and what it flushes at shutdown would die with the process.
    if thread.name == "BeaconSenderThread":
        thread.join(timeout=20)
