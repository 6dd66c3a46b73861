"""A plugin written on the PyPI package `ekuiper`, as its authors write them: no word of this project in it."""

import os
import sys
import threading
import time

from ekuiper import Function, PluginConfig, Sink, Source, plugin

if "slow" in os.environ.get("ZOO", ""):
    time.sleep(0.5)
if "broken" in os.environ.get("ZOO", ""):
    raise ImportError("no such organ")


class Plain(Function):
    def validate(self, args):
        return ""

    def is_aggregate(self):
        return False


class Echo(Plain):
    def exec(self, args, ctx):
        return args[0]


class Kinds(Plain):
    """What the arguments are on this side."""

    def exec(self, args, ctx):
        return ",".join(type(a).__name__ for a in args)


class Pair(Plain):
    def validate(self, args):
        return "" if len(args) == 2 else f"pair takes two arguments, not {len(args)}"

    def exec(self, args, ctx):
        return args


class Total(Plain):
    def is_aggregate(self):
        return True

    def exec(self, args, ctx):
        return sum(args[0])


class Whose(Plain):
    """The context, and how many rows this context has seen."""

    def exec(self, args, ctx):
        ctx.seen = getattr(ctx, "seen", 0) + 1
        return {"rule": ctx.get_rule_id(), "op": ctx.get_op_id(), "instance": ctx.get_instance_id(), "seen": ctx.seen}


class Picky(Plain):
    def exec(self, args, ctx):
        if args[0] == "bad":
            raise ValueError("bad is not good")
        if args[0] == "set":
            return {1, 2}
        if args[0] == "nan":
            return float("nan")
        return args[0]


class Deadly(Plain):
    """Answers, or does to its process what the argument says."""

    def exec(self, args, ctx):
        if args[0] == "kill":
            os.kill(os.getpid(), 9)
        if args[0] == "exit":
            os._exit(3)
        if args[0] == "leave":
            sys.exit(0)  # ends the thread of the function, not the process
        if args[0] == "hang":
            threading.Event().wait()
        return args[0]


class Count(Source):
    """The rows of its configuration, then it is over."""

    def configure(self, datasource, conf):
        if conf.get("refuse"):
            raise ValueError(f"no {datasource} here")
        self.datasource, self.conf = datasource, conf

    def open(self, ctx):
        for n in range(int(self.conf.get("rows", 3))):
            ctx.emit({"n": n, "from": self.datasource}, {"at": n})
        if self.conf.get("fail"):
            raise RuntimeError("the sensor is gone")

    def close(self, ctx):
        if self.conf.get("close"):
            raise RuntimeError("cannot close")


class Endless(Source):
    def configure(self, datasource, conf):
        pass

    def open(self, ctx):
        n = 0
        while True:
            ctx.emit({"n": n, "rule": ctx.get_rule_id(), "instance": ctx.get_instance_id()}, None)
            n += 1

    def close(self, ctx):
        pass


class Odd(Source):
    """Messages as no SDK should send them."""

    def configure(self, datasource, conf):
        pass

    def open(self, ctx):
        ctx.emit([{"n": 1}, {"n": 2}], {"m": 1})
        ctx.emitter.send(b'[{"message": {"n": 3}}, {"message": {"n": 4}, "meta": {"m": 2}}]')
        ctx.emit_error("a hiccup")
        ctx.emit("text", None)
        ctx.emitter.send(b"no json")
        ctx.emit({"n": 5}, None)

    def close(self, ctx):
        pass


class Keep(Sink):
    """Writes each item to a file, as a line."""

    def configure(self, conf):
        self.conf = conf
        self.path = conf["path"]

    def open(self, ctx):
        if self.conf.get("unready"):
            raise OSError("no ink")

    def collect(self, ctx, data):
        if data == b"bad":
            raise ValueError("bad is not good")
        if data == b"hang":
            threading.Event().wait()
        if data == b"refused":
            ctx.ack_error("not this one")
            return
        with open(self.path, "ab") as file:
            file.write(data + b"\n")
        if self.conf.get("requireAck"):
            ctx.ack_ok()

    def close(self, ctx):
        pass


if __name__ == "__main__":
    print("arguments", sys.argv[1:])
    plugin.start(
        PluginConfig(
            os.environ.get("ZOO_NAME", "zoo"),
            {"count": Count, "endless": Endless, "odd": Odd},
            {"keep": Keep},
            {
                "echo": Echo,
                "kinds": Kinds,
                "pair": Pair,
                "total": Total,
                "whose": Whose,
                "picky": Picky,
                "deadly": Deadly,
            },
        )
    )
