/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Zone text and what it reads as. A record is spelled "OWNER TTL TYPE HEX", the type by number; a finding
 * "LINE: words", where all of the words have to be in it.
 */
#include "zone/read.h"

#include "wire/name.h"
#include "zone/load.h"

#include <check.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APEX "example.com"

struct read_case {
    const char *about;
    const char *text;
    const char *records;  /* one to a line */
    const char *findings; /* one to a line, in order; NULL: none */
};

static const struct read_case cases[] = {
    {"an address", "a 60 A 192.0.2.1\n", "a.example.com. 60 1 c0000201\n", NULL},
    {"no newline at the end", "a 60 A 192.0.2.1", "a.example.com. 60 1 c0000201\n", NULL},
    {"nothing at all", "", "", NULL},
    {"only comments and blanks", "; one\n   \n\t; two\n\r\n  ( ) ; three", "", NULL},
    {"line ends of DOS", "a 60 A 192.0.2.1\r\n  60 A 192.0.2.2\r\n",
     "a.example.com. 60 1 c0000201\na.example.com. 60 1 c0000202\n", NULL},
    {"a byte order mark", "\xef\xbb\xbf$TTL 60\na A 192.0.2.1\n", "a.example.com. 60 1 c0000201\n", NULL},
    {"TTL, then class", "a 60 IN A 192.0.2.1\n", "a.example.com. 60 1 c0000201\n", NULL},
    {"class, then TTL", "a IN 60 A 192.0.2.1\n", "a.example.com. 60 1 c0000201\n", NULL},
    {"class by number", "a 60 CLASS1 A 192.0.2.1\n", "a.example.com. 60 1 c0000201\n", NULL},
    {"TTL in units", "a 1w2d3h4m5s A 192.0.2.1\n", "a.example.com. 788645 1 c0000201\n", NULL},
    {"the largest TTL", "a 2147483647 A 192.0.2.1\n", "a.example.com. 2147483647 1 c0000201\n", NULL},
    {"a TTL too large", "a 2147483648 A 192.0.2.1\n", "", "1: TTL 2147483647\n"},
    {"$TTL", "$TTL 1h\na A 192.0.2.1\nb 5 A 192.0.2.1\nc A 192.0.2.1\n",
     "a.example.com. 3600 1 c0000201\nb.example.com. 5 1 c0000201\nc.example.com. 3600 1 c0000201\n", NULL},
    {"the TTL of the record before", "a 7 A 192.0.2.1\nb A 192.0.2.1\n",
     "a.example.com. 7 1 c0000201\nb.example.com. 7 1 c0000201\n", NULL},
    {"no TTL anywhere", "a A 192.0.2.1\nb 5 A 192.0.2.1\n", "b.example.com. 5 1 c0000201\n",
     "1: no TTL $TTL\n"},
    {"an SOA without TTL", "@ SOA . . 1 2 3 4 5\na A 192.0.2.1\n",
     "example.com. 5 6 00000000000100000002000000030000000400000005\na.example.com. 5 1 c0000201\n",
     "1: minimum $TTL\n"},
    {"another class", "a 60 CH TXT x\nb 60 CLASS4 TXT x\n", "", "1: \"CH\" IN\n2: \"CLASS4\" IN\n"},
    {"the owner of the record before", "a 60 A 192.0.2.1\n TXT x\n\tTXT y\n",
     "a.example.com. 60 1 c0000201\na.example.com. 60 16 0178\na.example.com. 60 16 0179\n", NULL},
    {"no owner before", " 60 A 192.0.2.1\n", "", "1: owner\n"},
    {"after a bad owner the blank one isn't guessed", "a..b 60 A 192.0.2.1\n 60 A 192.0.2.2\n", "",
     "1: \"a..b\" empty\n2: owner\n"},
    {"the origin", "@ 60 CNAME @\n", "example.com. 60 5 076578616d706c6503636f6d00\n", NULL},
    {"an escaped at sign", "\\@ 60 A 192.0.2.1\n", "\\@.example.com. 60 1 c0000201\n", NULL},
    {"$ORIGIN, relative and absolute",
     "$ORIGIN sub\na 60 A 192.0.2.1\n$ORIGIN x.sub\nb 60 A 192.0.2.1\n$ORIGIN example.com.\nc 60 A "
     "192.0.2.1\n",
     "a.sub.example.com. 60 1 c0000201\nb.x.sub.sub.example.com. 60 1 c0000201\nc.example.com. 60 1 "
     "c0000201\n",
     NULL},
    {"names in quotes", "\"a\" 60 CNAME \"b c\"\n",
     "a.example.com. 60 5 03622063076578616d706c6503636f6d00\n", NULL},
    {"an owner outside", "www.example.org. 60 A 192.0.2.1\n", "",
     "1: www.example.org. outside example.com.\n"},
    {"case is kept, and the apex is matched without it", "A.eXample.COM. 60 NS B\n",
     "A.eXample.COM. 60 2 0142076578616d706c6503636f6d00\n", NULL},
    {"escapes in names", "a\\.b\\032\\000\\255\\; 60 A 192.0.2.1\n",
     "a\\.b\\032\\000\\255\\;.example.com. 60 1 c0000201\n", NULL},
    {"bad escapes", "a\\2 60 A 192.0.2.1\na\\256 60 A 192.0.2.1\na 60 TXT \"\\25\"\n", "",
     "1: backslash\n2: backslash\n3: backslash\n"},
    {"a backslash at the end of the line", "a 60 TXT x\\\nb 60 A 192.0.2.1\n",
     "b.example.com. 60 1 c0000201\n", "1: backslash end\n"},
    {"parentheses", "@ 60 SOA . . ( 1 ; serial\n  2\n\n 3 )4 (\n5)\na 60 A 192.0.2.1\n",
     "example.com. 60 6 00000000000100000002000000030000000400000005\na.example.com. 60 1 c0000201\n", NULL},
    {"a parenthesis left open", "a 60 A 192.0.2.1\nb 60 A ( 192.0.2.1\nc 60 A 192.0.2.1\n",
     "a.example.com. 60 1 c0000201\n", "2: parenthesis never closed\n"},
    {"a parenthesis too many", "a 60 A 192.0.2.1 )\nb 60 A 192.0.2.1\n", "b.example.com. 60 1 c0000201\n",
     "1: closing parenthesis\n"},
    {"parentheses in parentheses", "a 60 TXT ( x\n( y )\n z )\nb 60 A 192.0.2.1\n",
     "b.example.com. 60 1 c0000201\n", "2: nest\n3: closing parenthesis\n"},
    {"strings", "a 60 TXT \"one; (two)\" three \"\" \"a\\\"b\\065\"\n",
     "a.example.com. 60 16 0a6f6e653b202874776f290574687265650004612262"
     "41\n",
     NULL},
    {"a quote left open", "a 60 TXT \"one\nb 60 A 192.0.2.1\n", "b.example.com. 60 1 c0000201\n",
     "1: quote\n"},
    {"a quote inside a word", "a 60 TXT a\"b\n", "", "1: quote\n"},
    {"no string", "a 60 TXT\n", "", "1: TXT missing\n"},
    {"generic types", "a 60 TYPE65280 \\# 3 0102 03\nb 60 TYPE65280 \\# 0\nc 60 TYPE1 \\# 4 C0000201\n",
     "a.example.com. 60 65280 010203\nb.example.com. 60 65280 \nc.example.com. 60 1 c0000201\n", NULL},
    {"a known type in generic form", "a 60 MX \\# 5 000a 0178 00\n", "a.example.com. 60 15 000a017800\n",
     NULL},
    {"generic forms that are wrong",
     "a 60 TYPE65280 \\#\nb 60 TYPE65280 \\# 2 01\nc 60 TYPE65280 \\# 1 0\nd 60 A \\# 3 010203\n"
     "e 60 MX \\# 4 000ac000\nf 60 A \\# 5 0102030405\ng 60 TYPE65280 \\# 65536 00\nh 60 TYPE65280 x\n"
     "i 60 TYPE65280 \\# 1 xx\nj 60 NS \\# 0\n",
     "",
     "1: length\n2: length\n3: odd\n4: wire form\n5: wire form\n6: wire form\n7: large\n8: TYPE65280 \\#\n"
     "9: hexadecimal\n10: wire form\n"},
    {"types that aren't", "a 60 TYPE65536 \\# 0\nb 60 NOSUCH x\nc 60 TYPE1x \\# 0\nd 60\n", "",
     "1: \"TYPE65536\"\n2: \"NOSUCH\" TYPE65280 \\#\n3: \"TYPE1x\"\n4: no type\n"},
    {"types of messages",
     "a 60 ANY \\# 0\nb 60 OPT \\# 0\nc 60 TYPE251 \\# 0\nd 60 TSIG x\ne 60 TYPE0 \\# 0\n", "",
     "1: \"ANY\" messages\n2: \"OPT\" messages\n3: \"TYPE251\" messages\n4: \"TSIG\" messages\n5: "
     "messages\n"},
    {"a type too new to be read", "a 60 AMTRELAY 10 0 1 192.0.2.1\nb 60 DSYNC CDS NOTIFY 53 x.\n", "",
     "1: AMTRELAY TYPE260 \\# LENGTH HEX\n2: DSYNC TYPE66 \\# LENGTH HEX\n"},
    {"a type too new to be read, in generic form", "a 60 AMTRELAY \\# 2 0a00\n",
     "a.example.com. 60 260 0a00\n", NULL},
    {"newer types that are like TXT", "a 60 RESINFO qnamemin exterr=15\n",
     "a.example.com. 60 261 08716e616d656d696e096578746572723d3135\n", NULL},
    {"addresses that aren't", "a 60 A 192.0.2\nb 60 A 192.0.2.256\nc 60 AAAA 192.0.2.1\nd 60 A 192.0.2.1 x\n",
     "", "1: IPv4\n2: IPv4\n3: IPv6\n4: more data\n"},
    {"numbers that aren't", "a 60 MX 65536 x\nb 60 MX x y\nc 60 MX -1 x\nd 60 MX 10\n", "",
     "1: large\n2: number\n3: number\n4: missing\n"},
    {"bad names in data", "a 60 NS a..b\nb 60 NS \"\"\nc 60 NS .x\n", "", "1: empty\n2: name\n3: empty\n"},
    {"signing",
     "a 60 DS 1 RSASHA256 2 01 0203\nb 60 DNSKEY 257 3 8 AQ I D\nc 60 NSEC d A TYPE65280 NS\n"
     "d 60 NSEC3PARAM 1 0 10 aabb\ne 60 NSEC3 1 1 0 - 04 A RRSIG\nf 60 CDS 0 0 0 0\n",
     "a.example.com. 60 43 00010802010203\nb.example.com. 60 48 01010308010203\n"
     "c.example.com. 60 47 "
     "0164076578616d706c6503636f6d00000160ff0180\n"
     "d.example.com. 60 51 0100000a02aabb\ne.example.com. 60 50 010100000001010006400000000002\n"
     "f.example.com. 60 59 0000000000\n",
     NULL},
    {"a signature", "a 60 RRSIG A 8 3 60 20260904170000 20260822160000 57780 example.com. AQID\n",
     "a.example.com. 60 46 000108030000003c6a9af9106a89c780e1b4076578616d706c6503636f6d00010203\n", NULL},
    {"a signature's times in seconds", "a 60 RRSIG A 8 3 60 4294967295 1 57780 . AQID\n",
     "a.example.com. 60 46 000108030000003cffffffff00000001e1b400010203\n", NULL},
    {"a time that there isn't", "a 60 RRSIG A 8 3 60 20261304170000 1 57780 . AQID\n", "", "1: time\n"},
    {"base64 that isn't", "a 60 DNSKEY 257 3 8 AQ!D\nb 60 DNSKEY 257 3 8 AQI\nc 60 DNSKEY 257 3 8 AQ==ID\n",
     "", "1: base64\n2: base64\n3: base64\n"},
    {"services",
     "a 60 HTTPS 1 . alpn=h2,h3 port=443\nb 60 SVCB 0 x.\nc 60 HTTPS 1 . alpn=\"h2,h3\" ipv4hint=192.0.2.1\n",
     "a.example.com. 60 65 0001000001000602683202683300030002"
     "01bb\nb.example.com. 60 64 0000017800\n"
     "c.example.com. 60 65 000100000100060268320268330004"
     "0004c0000201\n",
     NULL},
    {"a service parameter by number", "a 60 HTTPS 1 . key65280=\"x y\" key7=/q\n",
     "a.example.com. 60 65 0001000007"
     "00022f71ff000003782079\n",
     NULL},
    {"service parameters in the order of their keys", "a 60 SVCB 1 . port=53 alpn=dot mandatory=port,alpn\n",
     "a.example.com. 60 64 0001000000000400010003000100"
     "0403646f74000300020035\n",
     NULL},
    {"commas and backslashes in a list (RFC 9460 D.2)", "a 60 SVCB 16 . alpn=\"f\\\\\\\\oo\\\\,bar,h2\"\n",
     "a.example.com. 60 64 0010000001000c08665c6f6f2c626172026832\n", NULL},
    {"the same without quotes", "a 60 SVCB 16 . alpn=f\\\\\\092oo\\092,bar,h2\n",
     "a.example.com. 60 64 0010000001000c08665c6f6f2c626172026832\n", NULL},
    {"hints and the rest",
     "a 60 SVCB 1 . ipv6hint=2001:db8::1,2001:db8::2 ech=\"AQI=\" dohpath=/q{?dns} no-default-alpn alpn=h2 "
     "ohttp\n",
     "a.example.com. 60 64 "
     "00010000010003026832000200000005000201020006002020010db800000000000000000000000120010db8"
     "00000000000000000000000200070008"
     "2f717b3f646e737d00080000\n",
     NULL},
    {"service parameters that are wrong",
     "a 60 SVCB 1 . alpn=h2 alpn=h3\nb 60 SVCB 1 . port=65536\nc 60 SVCB 1 . mandatory=port\n"
     "d 60 SVCB 1 . mandatory=mandatory\ne 60 SVCB 1 . alpn=h2 mandatory=alpn,alpn\nf 60 SVCB 1 . "
     "no-default-alpn\n"
     "g 60 SVCB 1 . alpn=\nh 60 SVCB 1 . alpn=a,,b\ni 60 SVCB 1 . ipv4hint=192.0.2\nj 60 SVCB 1 . ech=!\n"
     "k 60 SVCB 1 . key01=x\nl 60 SVCB 1 . key65535=x\nm 60 SVCB 1 . port\nn 60 SVCB 1 . ohttp=1\n"
     "o 60 SVCB 1 . \"alpn=h2\"\np 60 SVCB\nq 60 TYPE64 \\# 3 0001 00\nr 60 TYPE64 \\# 8 0001 00 0003 0001 "
     "00\n"
     "s 60 SVCB 1 . ipv4hint=192.0.2.1\\000\n",
     "q.example.com. 60 64 000100\n",
     "1: twice\n2: port\n3: mandatory\n4: itself\n5: once\n6: alpn\n7: empty\n8: empty\n9: IPv4\n10: base64\n"
     "11: keyNNNNN\n12: keyNNNNN\n13: port\n14: value\n15: keyNNNNN\n16: missing\n18: wire form\n19: NUL\n"},
    {"a service parameter too new", "a 60 HTTPS 1 . tls-supported-groups=29\n", "",
     "1: keyNNNNN TYPE65 \\# LENGTH HEX\n"},
    {"other data",
     "a 60 CAA 0 issue \"ca.example\"\nb 60 SRV 1 2 443 .\nc 60 SSHFP 4 2 01 02\nd 60 TLSA 3 1 1 ab\n"
     "e 60 NAPTR 1 2 \"u\" \"sip\" \"\" .\nf 60 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n"
     "g 60 URI 1 2 \"http://x\"\nh 60 EUI48 00-00-5e-00-53-2a\ni 60 HINFO \"PC\" OS\n"
     "j 60 APL 1:192.0.2.0/24 !2:2001:db8::/32\n",
     "a.example.com. 60 257 0005697373756563612e6578616d706c65\nb.example.com. 60 33 0001000201bb00\n"
     "c.example.com. 60 44 04020102\nd.example.com. 60 52 030101ab\n"
     "e.example.com. 60 35 0001000201750373697000"
     "00\nf.example.com. 60 29 000016138b3cf018810cbce000989"
     "5b8\ng.example.com. 60 256 00010002687474703a2f2f78\nh.example.com. 60 108 00005e00532a\n"
     "i.example.com. 60 13 025043024f53\nj.example.com. 60 42 0001180"
     "3c000020002208420010db8\n",
     NULL},
    {"an empty bitmap",
     "a 60 CSYNC 66 3\nb 60 CSYNC \\# 6 000000420003\nc 60 NSEC .\nd 60 CSYNC \\# 5 0000004200\n",
     "a.example.com. 60 62 000000420003\nb.example.com. 60 62 000000420003\nc.example.com. 60 47 00\n",
     "4: wire form\n"},
    {"empty values",
     "a 60 CAA 0 issue \"\"\nb 60 CAA \\# 7 00 05 6973737565\nc 60 URI 1 2 \"\"\nd 60 CAA 0 issue\n"
     "e 60 CAA \\# 1 00\n",
     "a.example.com. 60 257 00056973737565\nb.example.com. 60 257 00056973737565\n",
     "3: URI\n4: missing\n5: wire form\n"},
    {"an address of no octets", "a 60 NSAP 0x\nb 60 NSAP 0x4700\n", "b.example.com. 60 22 4700\n",
     "1: LENGTH\n"},
    {"keys with gateways, and hosts with rendezvous servers",
     "a 60 IPSECKEY 10 0 2 . AQID\nb 60 IPSECKEY 10 1 2 192.0.2.38 AQ ID\nc 60 IPSECKEY 10 2 0 2001:db8::1\n"
     "d 60 IPSECKEY 10 3 2 gw AQID\ne 60 HIP 2 2001 AwEAAQ== r x.\nf 60 HIP 2 2001 AQID\n",
     "a.example.com. 60 45 0a0002010203\nb.example.com. 60 45 0a0102c0000226010203\n"
     "c.example.com. 60 45 0a020020010db8000000000000000000000001\n"
     "d.example.com. 60 45 0a0302026777076578616d706c6503636f6d00010203\n"
     "e.example.com. 60 55 020200042001030100010172076578616d706c6503636f6d00017800\n"
     "f.example.com. 60 55 020200032001010203\n",
     NULL},
    {"the same when wrong",
     "a 60 IPSECKEY 10 0 2 x AQID\nb 60 IPSECKEY 10 4 2 . AQID\nc 60 IPSECKEY 10 1 2\nd 60 HIP 2 200 AQID\n"
     "e 60 HIP 2 2001\nf 60 HIP 2 2001 AQI\n",
     "", "1: dot\n2: gateway\n3: missing\n4: hexadecimal\n5: missing\n6: base64\n"},
    {"directives that are wrong",
     "$ORIGIN\n$ORIGIN a b\n$TTL x\n$TTL\n$FOO x\n $TTL 5\n$GENERATE 1-9 a$ A 192.0.2.$\n$INCLUDE\n$INCLUDE "
     "x\n",
     "",
     "1: $ORIGIN\n2: $ORIGIN\n3: $TTL\n4: $TTL\n5: \"$FOO\" $INCLUDE\n6: column\n7: $GENERATE\n8: $INCLUDE\n"
     "9: \"x\" include\n"},
    {"the line is the one where the record begins", "a 60 (\n\n A\n192.0.2.999 )\nb 60 A x\n", "",
     "1: IPv4\n5: IPv4\n"},
};

static char *text_append(char *text, const char *more)
{
    char *both = NULL;
    ck_assert_int_ge(asprintf(&both, "%s%s", text, more), 0);
    free(text);
    return both;
}

static char *record_to_text(const struct zone_record *record)
{
    char owner[NAME_TEXT_MAX];
    char *hex = calloc(2, (size_t)record->rdata_octets + 1);
    char *line = NULL;
    for (unsigned i = 0; i < record->rdata_octets; i++)
        (void)snprintf(hex + (size_t)i * 2, 3, "%02x", record->rdata[i]);
    ck_assert_int_ge(
        asprintf(&line, "%s %u %u %s\n", name_to_text(record->owner, owner), record->ttl, record->type, hex),
        0);
    free(hex);
    return line;
}

static void assert_records(const struct zone_records *records, const char *expected, const char *about)
{
    char *all = strdup("");
    for (size_t i = 0; i < records->count; i++) {
        char *line = record_to_text(&records->records[i]);
        all = text_append(all, line);
        free(line);
    }
    ck_assert_msg(strcmp(all, expected) == 0, "%s: records are\n%snot\n%s", about, all, expected);
    free(all);
}

/* Whether a finding has the line and all the words of "LINE: word word". */
static bool finding_matches(const struct finding *finding, const char *expected)
{
    char text[256];
    char *rest = NULL;
    (void)snprintf(text, sizeof text, "%s", expected);
    if (strtoul(text, &rest, 10) != finding->line)
        return false;
    for (const char *word = strtok(rest + 1, " "); word != NULL; word = strtok(NULL, " ")) {
        if (strstr(finding->text, word) == NULL)
            return false;
    }
    return true;
}

static void assert_findings(const struct findings *findings, const char *expected, const char *about)
{
    char text[512] = "";
    char line[256];
    size_t i = 0;
    for (const char *at = expected != NULL ? expected : ""; *at != '\0'; i++) {
        size_t octets = strcspn(at, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)octets, at);
        if (i < findings->count)
            finding_to_text(&findings->list[i], text, sizeof text);
        ck_assert_msg(i < findings->count && finding_matches(&findings->list[i], line),
                      "%s: finding %zu of %zu is \"%s\", not \"%s\"", about, i + 1, findings->count, text,
                      line);
        at += octets + 1;
    }
    if (i < findings->count)
        finding_to_text(&findings->list[i], text, sizeof text);
    ck_assert_msg(i == findings->count, "%s: one finding too many: \"%s\"", about, text);
}

START_TEST(text_to_records)
{
    const struct read_case *c = &cases[_i];
    struct zone_text text;
    struct zone_records records;
    struct findings findings = {0};
    uint8_t apex[NAME_MAX_OCTETS];
    zone_records_init(&records);
    name_from_text(apex, APEX);
    ck_assert_int_eq(zone_text_of_memory(&text, "test.zone", c->text, strlen(c->text)), 0);
    bool ok = zone_read(&records, &text, apex, &findings, NULL);
    assert_findings(&findings, c->findings, c->about);
    assert_records(&records, c->records, c->about);
    ck_assert_msg(ok == (findings.errors == 0), "%s", c->about);
    zone_records_free(&records);
    zone_text_free(&text);
    findings_free(&findings);
}
END_TEST

struct memory_file {
    const char *path;
    const char *text;
};

static const struct {
    const char *about;
    struct memory_file files[6];
    const char *records;
    const char *findings;
} include_cases[] = {
    {"origin and owner come back, the TTL stays",
     {{"/z/main",
       "$TTL 60\n$ORIGIN x.example.com.\na A 192.0.2.1\n$INCLUDE sub/one one\n TXT x\nb A 192.0.2.1\n"},
      {"/z/sub/one", "$TTL 5\n@ A 192.0.2.1\n$ORIGIN y\nc A 192.0.2.1\n$INCLUDE \"t w\"\n"},
      {"/z/sub/t w", "d A 192.0.2.1\n"}},
     "a.x.example.com. 60 1 c0000201\none.x.example.com. 5 1 c0000201\nc.y.one.x.example.com. 5 1 c0000201\n"
     "d.y.one.x.example.com. 5 1 c0000201\na.x.example.com. 5 16 0178\nb.x.example.com. 5 1 c0000201\n",
     NULL},
    {"an included file begins without an owner",
     {{"/z/main", "a 60 A 192.0.2.1\n$INCLUDE one\n"}, {"/z/one", " 60 A 192.0.2.1\n"}},
     "a.example.com. 60 1 c0000201\n",
     "1: owner\n"},
    {"the same file at two origins",
     {{"/z/main", "$TTL 60\n$INCLUDE /y/one a\n$INCLUDE /y/one b\n"}, {"/y/one", "@ A 192.0.2.1\n"}},
     "a.example.com. 60 1 c0000201\nb.example.com. 60 1 c0000201\n",
     NULL},
    {"a file that includes itself",
     {{"/z/main", "$TTL 60\n$INCLUDE main\na A 192.0.2.1\n"}},
     "a.example.com. 60 1 c0000201\n",
     "2: itself\n"},
    {"files that include each other",
     {{"/z/main", "$INCLUDE one\n"}, {"/z/one", "$TTL 60\n$INCLUDE main\na A 192.0.2.1\n"}},
     "a.example.com. 60 1 c0000201\n",
     "2: itself\n"},
    {"an open parenthesis ends with the file",
     {{"/z/main", "$INCLUDE one\na 60 A 192.0.2.1\n"}, {"/z/one", "b 60 A ( 192.0.2.1"}},
     "a.example.com. 60 1 c0000201\n",
     "1: never closed\n"},
};

START_TEST(includes)
{
    struct zone_text text = {0};
    struct zone_records records;
    struct findings findings = {0};
    uint8_t apex[NAME_MAX_OCTETS];
    zone_records_init(&records);
    name_from_text(apex, APEX);
    for (const struct memory_file *f = include_cases[_i].files; f->path != NULL; f++)
        ck_assert_int_eq(zone_text_add_memory(&text, f->path, f->text, strlen(f->text)), 0);
    zone_read(&records, &text, apex, &findings, NULL);
    assert_findings(&findings, include_cases[_i].findings, include_cases[_i].about);
    assert_records(&records, include_cases[_i].records, include_cases[_i].about);
    zone_records_free(&records);
    zone_text_free(&text);
    findings_free(&findings);
}
END_TEST

/* Reads `octets` of text; the caller frees the records. */
static bool read_octets(struct zone_records *records, const char *bytes, size_t octets,
                        struct findings *findings)
{
    struct zone_text text;
    uint8_t apex[NAME_MAX_OCTETS];
    zone_records_init(records);
    name_from_text(apex, APEX);
    ck_assert_int_eq(zone_text_of_memory(&text, "test.zone", bytes, octets), 0);
    bool ok = zone_read(records, &text, apex, findings, NULL);
    zone_text_free(&text);
    return ok;
}

START_TEST(nul_octets_are_refused)
{
    static const char bytes[] = "a 60 TXT x\0y\nb 60 TXT \"x\0y\"\n\0\nc 60 A 192.0.2.1\n";
    struct zone_records records;
    struct findings findings = {0};
    ck_assert(!read_octets(&records, bytes, sizeof bytes - 1, &findings));
    assert_findings(&findings, "1: NUL\n2: NUL\n3: NUL\n", "NUL");
    assert_records(&records, "c.example.com. 60 1 c0000201\n", "NUL");
    zone_records_free(&records);
    findings_free(&findings);
}
END_TEST

/* `count` times `unit` behind `before`, with `after` at the end; to be freed. */
static char *text_repeat(const char *before, const char *unit, size_t count, const char *after)
{
    char *text = malloc(strlen(before) + strlen(unit) * count + strlen(after) + 1);
    ck_assert_ptr_nonnull(text);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, unit);
    strcpy(at, after); /* NOLINT: measured above */
    return text;
}

static const struct {
    const char *about;
    const char *before;
    const char *unit;
    size_t count;
    const char *after;
    size_t rdata_octets; /* of the one record; 0 with a finding */
    const char *finding;
} long_cases[] = {
    {"the longest data", "a 60 TYPE65280 \\# 65535 ", "00", 65535, "\n", 65535, NULL},
    {"the longest data in many words", "a 60 TYPE65280 \\# 65535 (", " 00\n", 65535, ")", 65535, NULL},
    {"data too long", "a 60 TYPE65280 \\# 65535 ", "00", 65536, "\n", 0, "1: length\n"},
    {"data far too long", "a 60 TYPE65280 \\# 65535 ", "00", 100000, "\n", 0, "1: 65535\n"},
    {"the longest string", "a 60 TXT ", "x", 255, "\n", 256, NULL},
    {"a string too long", "a 60 TXT ", "x", 256, "\n", 0, "1: too long\n"},
    {"many strings", "a 60 TXT", " \"0123456789abcdef\"", 3855, "\n", 65535, NULL},
    {"many empty strings", "a 60 TXT", " \"\"", 65535, "\n", 65535, NULL},
    {"an empty string too many", "a 60 TXT", " \"\"", 65536, "\n", 0, "1: 65535\n"},
    {"127 labels", "$ORIGIN .\na 60 CNAME ", "a.", 127, "\n", 0, "2: outside\n"},
    {"127 labels in data", "a 60 CNAME ", "a.", 127, "\n", 255, NULL},
    {"128 labels", "a 60 CNAME ", "a.", 128, "\n", 0, "1: 255\n"},
    {"a name of 255 octets, all escaped", "a 60 CNAME ", "\\065.", 127, "\n", 255, NULL},
    {"a label of 63 octets", "a 60 CNAME ", "x", 63, ".\n", 65, NULL},
    {"a label of 64 octets", "a 60 CNAME ", "x", 64, ".\n", 0, "1: 63\n"},
    {"a record of over a megabyte", "a 60 TXT (", " x\n", 400000, ")\n", 0, "1: megabyte\n"},
    {"a bitmap of many types", "a 60 NSEC .", " TYPE65535 TYPE257", 500, "\n", 38, NULL},
};

START_TEST(long_things)
{
    char *text =
        text_repeat(long_cases[_i].before, long_cases[_i].unit, long_cases[_i].count, long_cases[_i].after);
    struct zone_records records;
    struct findings findings = {0};
    read_octets(&records, text, strlen(text), &findings);
    assert_findings(&findings, long_cases[_i].finding, long_cases[_i].about);
    if (long_cases[_i].rdata_octets > 0) {
        ck_assert_uint_eq(records.count, 1);
        ck_assert_uint_eq(records.records[0].rdata_octets, long_cases[_i].rdata_octets);
    } else {
        ck_assert_uint_eq(records.count, 0);
    }
    free(text);
    zone_records_free(&records);
    findings_free(&findings);
}
END_TEST

START_TEST(gives_up_after_many_errors)
{
    char *text = text_repeat("", "x\n", 5000, "");
    struct zone_records records;
    struct findings findings = {0};
    ck_assert(!read_octets(&records, text, strlen(text), &findings));
    ck_assert_uint_eq(findings.errors, ZONE_READ_MAX_ERRORS);
    ck_assert_ptr_nonnull(strstr(findings.list[findings.count - 1].text, "stopped"));
    free(text);
    zone_records_free(&records);
    findings_free(&findings);
}
END_TEST

/* The root zone out of its packing; to be freed. */
static char *root_zone(size_t *octets)
{
    char command[1024];
    size_t capacity = 4U * 1024 * 1024;
    const char *tests = getenv("HITHER_TESTS");
    char *text = malloc(capacity);
    ck_assert_ptr_nonnull(tests);
    ck_assert_ptr_nonnull(text);
    (void)snprintf(command, sizeof command, "xz -dc '%s/zones/root.zone.xz'", tests);
    FILE *pipe = popen(command, "r"); /* NOLINT: a fixed command on the tests' own file */
    ck_assert_ptr_nonnull(pipe);
    *octets = fread(text, 1, capacity, pipe);
    ck_assert_int_eq(pclose(pipe), 0);
    return text;
}

/* Compares with what ldns makes of the same line. */
static void assert_same_as_ldns(const struct zone_record *record, const char *line, size_t octets)
{
    char *text = strndup(line, octets);
    ldns_rr *rr = NULL;
    ck_assert_int_eq(ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL), LDNS_STATUS_OK);
    ck_assert_int_eq((int)ldns_rr_get_type(rr), record->type);
    ck_assert_uint_eq(ldns_rr_ttl(rr), record->ttl);
    ck_assert_mem_eq(ldns_rdf_data(ldns_rr_owner(rr)), record->owner, name_octets(record->owner));
    size_t at = 0;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *field = ldns_rr_rdf(rr, i);
        ck_assert_uint_le(at + ldns_rdf_size(field), record->rdata_octets);
        ck_assert_mem_eq(ldns_rdf_data(field), record->rdata + at, ldns_rdf_size(field));
        at += ldns_rdf_size(field);
    }
    ck_assert_uint_eq(at, record->rdata_octets);
    ldns_rr_free(rr);
    free(text);
}

START_TEST(root_zone_reads_as_ldns_reads_it)
{
    size_t octets;
    char *bytes = root_zone(&octets);
    const uint8_t apex[1] = {0};
    struct zone_text text;
    struct zone_records records;
    struct findings findings = {0};
    zone_records_init(&records);
    ck_assert_int_eq(zone_text_of_memory(&text, "root.zone", bytes, octets), 0);
    ck_assert(zone_read(&records, &text, apex, &findings, NULL));
    ck_assert_uint_eq(findings.count, 0);
    ck_assert_uint_eq(records.count, 22094);
    const char *line = bytes;
    for (size_t i = 0; i < records.count; i++) {
        const char *end = memchr(line, '\n', octets - (size_t)(line - bytes));
        ck_assert_ptr_nonnull(end);
        ck_assert_uint_eq(records.records[i].line, i + 1);
        assert_same_as_ldns(&records.records[i], line, (size_t)(end - line));
        line = end + 1;
    }
    free(bytes);
    zone_records_free(&records);
    zone_text_free(&text);
    findings_free(&findings);
}
END_TEST

START_TEST(root_zone_loads_without_a_finding)
{
    size_t octets;
    char *bytes = root_zone(&octets);
    const uint8_t apex[1] = {0};
    uint8_t digest[ZONE_TEXT_DIGEST_OCTETS];
    struct zone_text text;
    struct findings findings = {0};
    char said[512] = "";
    ck_assert_int_eq(zone_text_of_memory(&text, "root.zone", bytes, octets), 0);
    zone_text_digest(&text, apex, digest);
    struct zone_image *image = zone_load_text(apex, &text, digest, NULL, &findings, NULL);
    if (findings.count > 0)
        finding_to_text(&findings.list[0], said, sizeof said);
    ck_assert_msg(findings.count == 0, "%s", said);
    ck_assert_ptr_nonnull(image);
    ck_assert_uint_eq(zone_image_records(image), 22094);
    ck_assert_uint_eq(zone_image_serial(image), 2026082201);
    zone_image_release(image);
    free(bytes);
    zone_text_free(&text);
    findings_free(&findings);
}
END_TEST

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void)
{
    Suite *suite = suite_create("zone/read");
    TCase *tcase = tcase_create("read");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, text_to_records, 0, COUNT_OF(cases));
    tcase_add_loop_test(tcase, includes, 0, COUNT_OF(include_cases));
    tcase_add_loop_test(tcase, long_things, 0, COUNT_OF(long_cases));
    tcase_add_test(tcase, nul_octets_are_refused);
    tcase_add_test(tcase, gives_up_after_many_errors);
    tcase_add_test(tcase, root_zone_reads_as_ldns_reads_it);
    tcase_add_test(tcase, root_zone_loads_without_a_finding);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
