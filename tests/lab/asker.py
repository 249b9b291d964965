# SPDX-License-Identifier: BSD-2-Clause
"""A client that means it: asks ADDRESS for ns.example.com A from SOURCE until its standard input ends, as a resolver does,
with a few retries and over TCP after a truncated answer; with "cookie" it keeps the server's cookie and uses UDP
alone. Prints how often it asked, how many answers it got, how many of them over TCP, and how many attempts it took."""
import os
import select
import sys
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

COOKIE = dns.edns.OptionType.COOKIE
ATTEMPTS = 8
PATIENCE_S = 0.25
PAUSE_S = 0.02


class Client:
    def __init__(self, address, source, cookie):
        self.address, self.source, self.cookie = address, source, os.urandom(8) if cookie else None
        self.asked = self.answered = self.over_tcp = self.attempts = 0

    def query(self):
        options = [dns.edns.GenericOption(COOKIE, self.cookie)] if self.cookie else []
        return dns.message.make_query("ns.example.com", "A", use_edns=0, options=options)

    def keep_cookie(self, answer):
        for option in answer.options:
            if option.otype == COOKIE and self.cookie:
                self.cookie = option.to_wire()

    def attempt(self):
        """True when there was an answer to use."""
        self.attempts += 1
        query = self.query()
        try:
            answer = dns.query.udp(query, self.address, timeout=PATIENCE_S, source=self.source)
            self.keep_cookie(answer)
            if answer.rcode() == dns.rcode.BADCOOKIE:
                return False
            if answer.flags & dns.flags.TC:
                answer = dns.query.tcp(query, self.address, timeout=2, source=self.source)
                self.over_tcp += 1
            return bool(answer.answer)
        except (dns.exception.DNSException, OSError):
            return False

    def ask(self):
        self.asked += 1
        self.answered += any(self.attempt() for _ in range(ATTEMPTS))


def main():
    client = Client(sys.argv[1], sys.argv[2], "cookie" in sys.argv[3:])
    while not select.select([sys.stdin], [], [], 0)[0]:
        client.ask()
        time.sleep(PAUSE_S)
    print(client.asked, client.answered, client.over_tcp, client.attempts)


main()
