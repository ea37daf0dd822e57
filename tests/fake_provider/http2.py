"""A connection that speaks HTTP/2: many calls at a time."""
import asyncio

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from .http import MORE_HEADERS, NOISE, PIECE, Request, Stream

WINDOW = 1 << 20  # of a stream; a picture should not wait for permission often
CONFIG = h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
                                   normalize_outbound_headers=False)


class Http2(asyncio.Protocol):
    def __init__(self, handler, transport, number, tls):
        self.handler = handler
        self.transport = transport
        self.number = number
        self.tls = tls
        self.streams = {}
        self.writable = True
        self.h2 = h2.connection.H2Connection(CONFIG)
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
            h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: handler.max_streams,
            h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
            h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 65536})
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(64 * WINDOW)
        self.flush()

    # -- what arrives

    def data_received(self, data):
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self.flush()
            self.transport.close()
            return
        for event in events:
            self._take(event)
        self.flush()

    def _take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.streams[event.stream_id] = _Exchange(self, event.stream_id, event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id in self.streams:
                self.streams[event.stream_id].body.append(event.data)
        elif isinstance(event, h2.events.StreamEnded):
            if event.stream_id in self.streams:
                self.streams[event.stream_id].arrive()
        elif isinstance(event, h2.events.StreamReset):
            stream = self.streams.pop(event.stream_id, None)
            if stream:
                stream.end(gone=True)
        elif isinstance(event, h2.events.WindowUpdated):
            self._pump_all() if event.stream_id == 0 else self._pump(event.stream_id)
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            self._pump_all()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.transport.close()

    def _pump(self, number):
        if number in self.streams:
            self.streams[number].pump()

    def _pump_all(self):
        for stream in list(self.streams.values()):
            stream.pump()

    # -- the connection

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def pause_writing(self):
        self.writable = False

    def resume_writing(self):
        self.writable = True
        self._pump_all()
        self.flush()

    def connection_lost(self, error):
        streams, self.streams = self.streams, {}
        for stream in streams.values():
            stream.end(gone=True)


class _Exchange(Stream):
    __slots__ = ("connection", "number", "head", "body", "rest", "left", "how")

    def __init__(self, connection, number, head):
        super().__init__(connection.handler)
        self.connection = connection
        self.number = number
        self.head = head
        self.body = []
        self.rest = memoryview(b"")  # of the answer, not sent yet
        self.left = 0  # of a body without an end
        self.how = None

    def arrive(self):
        headers = dict(self.head)
        headers.setdefault("host", headers.get(":authority", ""))
        target = headers.pop(":path", "/")
        method = headers.pop(":method", "GET")
        connection = self.connection
        self.request = Request(method, target, headers, b"".join(self.body), "2", connection.tls, connection.number)
        self.body = None
        self.handler.arrived(self)

    def send(self, reply):
        connection = self.connection
        if self.over or self.number not in connection.streams:
            return
        if reply.how in ("noise", "silent"):
            return self._break(reply.how)
        headers = [(":status", str(reply.status)), *reply.headers]
        if reply.how == "endless_headers":
            headers += [(f"x-more-{number}", "a" * len(MORE_HEADERS)) for number in range(16)]
        if reply.how == "endless":
            self.left = reply.most_bytes
        else:
            headers.append(("content-length", str(len(reply.body))))
            self.rest = memoryview(reply.body if reply.how == "whole" else reply.body[: len(reply.body) // 2])
        self.how = reply.how
        connection.h2.send_headers(self.number, headers)
        self.pump()
        connection.flush()

    def _break(self, how):
        if how == "silent":
            self.connection.h2.reset_stream(self.number, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self.connection.flush()
        else:
            self.connection.transport.write(NOISE)
        self._done()

    def pump(self):
        """As much as the client's windows allow."""
        h2_connection = self.connection.h2
        while self.how and (self.rest or self.left > 0) and (self.connection.writable or not self.left):
            room = min(h2_connection.local_flow_control_window(self.number), h2_connection.max_outbound_frame_size)
            if room <= 0:
                return
            if not self.rest:
                self.rest = memoryview(PIECE)
                self.left -= len(PIECE)
            piece, self.rest = self.rest[:room], self.rest[room:]
            last = not self.rest and self.left <= 0 and self.how in ("whole", "endless")
            h2_connection.send_data(self.number, bytes(piece), end_stream=last)
            if last:
                return self._done()
            if self.left > 0:
                self.connection.flush()
        if self.how == "cut" and not self.rest:
            h2_connection.reset_stream(self.number, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self._done()

    def _done(self):
        self.how = None
        self.connection.streams.pop(self.number, None)
        self.end()
