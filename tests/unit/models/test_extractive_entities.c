/* test_extractive_entities.c: what the built-in model finds on a page and, as important, what it
 * leaves alone. */
#include "rig.h"

static void a_contracts_parties_dates_and_amounts_are_found(void **state)
{
    json_auto_t *analysis = rig_read_z(
        state,
        "SERVICE AGREEMENT\n\nContract No. SA-2024-0117\n\n"
        "This Service Agreement is entered into as of March 15, 2024 by and between Northwind Analytics, Inc., a\n"
        "Delaware corporation with its principal office at 400 Market Street, San Francisco, and Hansen & Vogt\n"
        "GmbH, Musterstraße 12, 20095 Hamburg, Germany.\n\n"
        "1. Services. Provider shall assign Maria Lopez as project manager. Ms. Lopez reports to Mr. Jürgen Vogt.\n\n"
        "2. Fees. Client shall pay a monthly fee of $12,500.00. Travel expenses of up to EUR 4.000 per quarter\n"
        "will be reimbursed to IBAN DE89 3704 0044 0532 0130 00.\n\n"
        "Questions: legal@northwind-analytics.com, phone (415) 555-0132, https://northwind-analytics.com/legal.\n");
    assert_entity(analysis, "identifier", "SA-2024-0117");
    assert_entity(analysis, "date", "March 15, 2024");
    assert_entity(analysis, "organization", "Northwind Analytics, Inc.");
    assert_entity(analysis, "place", "Delaware");
    assert_entity(analysis, "place", "400 Market Street");
    assert_entity(analysis, "place", "San Francisco");
    assert_entity(analysis, "organization", "Hansen & Vogt GmbH"); /* over the end of a line */
    assert_entity(analysis, "place", "Musterstraße 12");
    assert_entity(analysis, "place", "Hamburg");
    assert_entity(analysis, "person", "Jürgen Vogt");
    assert_entity(analysis, "money", "$12,500.00");
    assert_entity(analysis, "money", "EUR 4.000");
    assert_entity(analysis, "identifier", "DE89 3704 0044 0532 0130 00");
    assert_entity(analysis, "email", "legal@northwind-analytics.com");
    assert_entity(analysis, "phone", "(415) 555-0132");
    assert_entity(analysis, "url", "https://northwind-analytics.com/legal");
    const json_t *lopez = rig_entity(analysis, "person", "Maria Lopez");
    assert_non_null(lopez);
    assert_int_equal(json_integer_value(json_object_get(lopez, "count")), 2); /* Ms. Lopez is she */
    assert_int_equal(rig_count(analysis, "person"), 2);
}

static void an_invoices_numbers_are_found(void **state)
{
    json_auto_t *analysis =
        rig_read_z(state, "Müller Büromöbel GmbH\nIndustriestraße 5\n70565 Stuttgart\n\nRechnung\n\n"
                          "Rechnungsnummer: RE-2023-10457\nRechnungsdatum: 24.11.2023\n"
                          "Kundennummer: 100482\nUSt-IdNr.: DE136695976\n\n"
                          "1    Schreibtisch Eiche          2      349,00 €     698,00 €\n\n"
                          "Gesamtbetrag: 1.790,95 €\n\n"
                          "Ihre Ansprechpartnerin ist Frau Sabine Keller, Tel. 0711 / 123 456-0.\n");
    assert_entity(analysis, "organization", "Müller Büromöbel GmbH");
    assert_entity(analysis, "place", "Industriestraße 5");
    assert_entity(analysis, "place", "Stuttgart");
    assert_entity(analysis, "identifier", "RE-2023-10457");
    assert_entity(analysis, "identifier", "100482");
    assert_entity(analysis, "date", "24.11.2023");
    assert_entity(analysis, "money", "349,00 €");
    assert_entity(analysis, "money", "1.790,95 €");
    assert_entity(analysis, "person", "Sabine Keller");
    assert_entity(analysis, "phone", "0711 / 123 456-0");
    assert_string_equal(rig_text(rig_entity(analysis, "identifier", "DE136695976"), "kind"), "vat");
}

struct found {
    const char *text, *type, *entity;
};

static void assert_found(void **state, const struct found *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_auto_t *analysis = rig_read_z(state, cases[i].text);
        if (!rig_entity(analysis, cases[i].type, cases[i].entity))
            fail_msg("no %s \"%s\" in \"%s\"", cases[i].type, cases[i].entity, cases[i].text);
    }
}

static void dates_are_found_as_many_countries_write_them(void **state)
{
    static const struct found cases[] = {
        { "It began on 2024-03-12 in the morning.", "date", "2024-03-12" },
        { "It was logged at 2024-03-12T10:15:30Z by the server.", "date", "2024-03-12T10:15:30Z" },
        { "It began on 12/03/2024 in the morning.", "date", "12/03/2024" },
        { "It began on March 12, 2024 in the morning.", "date", "March 12, 2024" },
        { "It began on Sept. 3, 2021 in the morning.", "date", "Sept. 3, 2021" },
        { "It began on the 12th of March 2024 in the morning.", "date", "12th of March 2024" },
        { "It began in March 2024 and ended soon.", "date", "March 2024" },
        { "It lasted from 12–14 March 2024 in the end.", "date", "12–14 March 2024" },
        { "Es begann am 12.03.2024 um acht Uhr.", "date", "12.03.2024" },
        { "Es begann am 12. März 2024 um acht Uhr.", "date", "12. März 2024" },
        { "Es begann am 1. Januar und war nicht zu sehen.", "date", "1. Januar" },
        { "Le musée est ouvert depuis le 1er janvier 2024 dans la ville.", "date", "1er janvier 2024" },
        { "El museo abrió el 12 de marzo de 2024 en la ciudad.", "date", "12 de marzo de 2024" },
        { "Il museo è stato aperto il 3 aprile 2020 nella città.", "date", "3 aprile 2020" },
        { "Музей был открыт 7 декабря 1764 года в городе.", "date", "7 декабря 1764" },
    };
    assert_found(state, cases, DM_COUNT(cases));
}

static void amounts_are_found_as_many_countries_write_them(void **state)
{
    static const struct found cases[] = {
        { "It costs $1,234.56 in the shop.", "money", "$1,234.56" },
        { "It costs US$ 20 in the shop.", "money", "US$ 20" },
        { "It costs £2.5 million in the end.", "money", "£2.5 million" },
        { "It costs €165m in the end.", "money", "€165m" },
        { "It costs 5 million dollars in the end.", "money", "5 million dollars" },
        { "It costs 20 US dollars in the shop.", "money", "20 US dollars" },
        { "It costs 2.75 billion pounds in the end.", "money", "2.75 billion pounds" },
        { "It costs USD 300 in the shop.", "money", "USD 300" },
        { "It costs CHF 1'250.50 in the shop.", "money", "CHF 1'250.50" },
        { "Es kostet 1.234,56 € in dem Laden.", "money", "1.234,56 €" },
        { "Es kostet etwa 300 Mrd. Euro und mehr.", "money", "300 Mrd. Euro" },
        { "Es kostet 12,- EUR in dem Laden.", "money", "12,- EUR" },
        { "Le prix est de 1 234,56 € dans la ville.", "money", "1 234,56 €" },
        { "Le prix est de 250 millions d'euros pour la ville.", "money", "250 millions d'euros" },
        { "El precio es de 3 millones de euros en la ciudad.", "money", "3 millones de euros" },
        { "¥5,000 is what it costs in the shop.", "money", "¥5,000" },
        { "観覧料は一般1,000円である。", "money", "1,000円" },
    };
    assert_found(state, cases, DM_COUNT(cases));
}

static void identifiers_are_found_with_their_kind(void **state)
{
    static const struct {
        const char *text, *kind, *entity;
    } cases[] = {
        { "The account is GB29NWBK60161331926819 at the bank.", "iban", "GB29NWBK60161331926819" },
        { "The book (ISBN 978-3-16-148410-0) is on the table.", "isbn", "978-3-16-148410-0" },
        { "The book, ISBN-10: 0-306-40615-2, is on the table.", "isbn", "0-306-40615-2" },
        { "The journal has ISSN 0378-5955 and no other.", "issn", "0378-5955" },
        { "See doi:10.1145/3292500.3330701, which is the paper.", "doi", "10.1145/3292500.3330701" },
        { "The id is 123e4567-e89b-12d3-a456-426614174000 in the log.", "uuid",
          "123e4567-e89b-12d3-a456-426614174000" },
        { "The hole CVE-2021-44228 was in the news.", "cve", "CVE-2021-44228" },
        { "The paper arXiv:1706.03762 was in the news.", "arxiv", "arXiv:1706.03762" },
        { "The number is ATU12345678 in that country.", "vat", "ATU12345678" },
        { "Please name Invoice No. INV-2024-0042 in the letter.", "number", "INV-2024-0042" },
        { "Re: Claim #88-1234-X of the last year.", "number", "88-1234-X" },
        { "Case No. 3:21-cv-01234 was heard in the morning.", "number", "3:21-cv-01234" },
        { "Das Urteil hat das Aktenzeichen: 5 O 123/21 und ist neu.", "number", "5 O 123/21" },
        { "Das Urteil (Az. XII ZR 8/21) ist neu und nicht lang.", "number", "XII ZR 8/21" },
        { "Ihre Kunden-Nr.: 4711-B steht auf der Rechnung.", "number", "4711-B" },
        { "La facture n° 2024-118 est dans la boîte.", "number", "2024-118" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        json_auto_t *analysis = rig_read_z(state, cases[i].text);
        const json_t *entity = rig_entity(analysis, "identifier", cases[i].entity);
        if (!entity || strcmp(rig_text(entity, "kind"), cases[i].kind) != 0)
            fail_msg("no %s \"%s\" in \"%s\"", cases[i].kind, cases[i].entity, cases[i].text);
    }
}

static void addresses_of_the_net_end_where_the_sentence_goes_on(void **state)
{
    static const struct found cases[] = {
        { "Look at https://example.org/a/b.html. Then go home.", "url", "https://example.org/a/b.html" },
        { "It is there (see http://example.org/a_(b)) for all.", "url", "http://example.org/a_(b)" },
        { "It is at www.example.org, as before.", "url", "www.example.org" },
        { "It is at example.com/start for all.", "url", "example.com/start" },
        { "Write to jane.doe+test@mail.example.co.uk, please.", "email", "jane.doe+test@mail.example.co.uk" },
        { "Write to <info@müller.de> for more.", "email", "info@müller.de" },
        { "Call +49 (0)711 123 456-78 in the morning.", "phone", "+49 (0)711 123 456-78" },
        { "Call 555-010-1234 in the morning.", "phone", "555-010-1234" },
        { "Tel.: 0711 123456 in the morning.", "phone", "0711 123456" },
    };
    assert_found(state, cases, DM_COUNT(cases));
}

static void names_are_found(void **state)
{
    static const struct found cases[] = {
        { "The book was written by John F. Kennedy in a year.", "person", "John F. Kennedy" },
        { "The piece is by Ludwig van Beethoven and not by him.", "person", "Ludwig van Beethoven" },
        { "He met Jean-Pierre Dupont in the street.", "person", "Jean-Pierre Dupont" },
        { "The speech of President Obama was long.", "person", "President Obama" },
        { "Sehr geehrter Herr Schmidt, wir haben den Brief bekommen.", "person", "Herr Schmidt" },
        { "La directrice est Mme Laurence des Cars dans ce musée.", "person", "Laurence des Cars" },
        { "La directora es doña Rocío Díaz Jiménez en el museo.", "person", "Rocío Díaz Jiménez" },
        { "The results of Peter Smith1 and others are new.", "person", "Peter Smith" },
        { "He works for Goldman Sachs in the city.", "organization", "Goldman Sachs" },
        { "Sie arbeitet bei der Müller & Söhne GmbH & Co. KG in der Stadt.", "organization",
          "Müller & Söhne GmbH & Co. KG" },
        { "She studied at the University of Cambridge and left.", "organization", "University of Cambridge" },
        { "She studied at Stanford University and left.", "organization", "Stanford University" },
        { "She studied at Case Western Reserve University and left.", "organization",
          "Case Western Reserve University" },
        { "The shares of American Electric Corp. and Swiss Life AG fell.", "organization", "American Electric Corp." },
        { "The shares of American Electric Corp. and Swiss Life AG fell.", "organization", "Swiss Life AG" },
        { "The head of the Port of Rotterdam Authority spoke.", "organization", "Port of Rotterdam Authority" },
        { "Das Bundesministerium für Wirtschaft und Energie hat das gesagt.", "organization",
          "Bundesministerium für Wirtschaft und Energie" },
        { "L'Université de Genève est dans la ville.", "organization", "Université de Genève" },
        { "The Free Software Foundation was there, too.", "organization", "Free Software Foundation" },
        { "The Free Software Foundation, Inc. was there, too.", "organization", "Free Software Foundation, Inc." },
        { "John Smith of Acme Corporation agreed to pay.", "person", "John Smith" },
        { "They live in Reading, which is a town.", "place", "Reading" },
        { "They live in the United States of America and like it.", "place", "United States of America" },
        { "They live in the U.S. and like it.", "place", "U.S." },
        { "北京大学创办于1898年，是中国近代第一所国立大学。", "organization", "北京大学" },
        { "日本と東洋の文化財を収集している。", "place", "日本" },
    };
    assert_found(state, cases, DM_COUNT(cases));
}

static void the_possessive_is_no_part_of_a_name(void **state)
{
    json_auto_t *analysis = rig_read_z(state, "Robert Walsh's patch was good. Robert Walsh’s other patch was not.");
    const json_t *walsh = rig_entity(analysis, "person", "Robert Walsh");
    assert_non_null(walsh);
    assert_int_equal(json_integer_value(json_object_get(walsh, "count")), 2);
}

static void what_only_looks_like_an_entity_is_left_alone(void **state)
{
    static const struct {
        const char *text, *type;
    } cases[] = {
        { "The Valgrind tool suite is fast. The Memcheck tool is slow.", "person" },
        { "May I come in? Will you stay? Mark the box and grant the right.", "person" },
        { "Frank Answers To Hard Questions\n\nThis is what the book is about and not more.", "person" },
        { "The software is provided AS IS and WITHOUT ANY WARRANTY.", "organization" },
        { "It is possible, BUT NOT LIMITED TO, that it rains.", "organization" },
        { "The following section is about the company and its holding.", "organization" },
        { "He was reading a nice book in the bath and went to split wood.", "place" },
        { "The program is kept in ROM and read into memory.", "place" },
        { "Contact us now! JOIN US TODAY!", "place" },
        { "Version 3.19.0 and version 1.2.10 are old, as is 12.34.5678.", "date" },
        { "The host 192.168.12.10 answers in 12.5 ms at 10:30.", "date" },
        { "We may 12 times or march 5 miles in the rain.", "date" },
        { "The shell puts the argument into $1 and the second into $2.", "money" },
        { "It takes 20 minutes, 30 kr and 5 % of the time.", "email" },
        { "The account DE89 3704 0044 0532 0130 01 has a wrong digit.", "identifier" },
        { "The book with ISBN 978-3-16-148410-1 has a wrong digit.", "identifier" },
        { "In this case no 100 people came, and in order 12 pizzas went.", "identifier" },
        { "The file main.c and the class System.IO are no address, nor is e.g. this.", "url" },
        { "The numbers 1234567890 and 12 345 678 are only numbers.", "phone" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        json_auto_t *analysis = rig_read_z(state, cases[i].text);
        if (rig_count(analysis, cases[i].type) != 0)
            fail_msg("a %s was found in \"%s\"", cases[i].type, cases[i].text);
    }
}

static void an_amount_in_code_is_none(void **state)
{
    json_auto_t *analysis =
        rig_read_z(state, "Print the registers:\n\n(gdb) print $eax;\n$10 = 0x0;\n$12 = {a = 1};\n");
    assert_no_entity(analysis, "money");
}

static void offsets_count_code_points(void **state)
{
    json_auto_t *analysis = rig_read_z(state, "Ärger im 😀 Büro: Er zahlt 20 € und nicht mehr.");
    const json_t *money = rig_entity(analysis, "money", "20 €");
    assert_non_null(money);
    assert_int_equal(json_integer_value(json_object_get(money, "offset")), 26);
    assert_int_equal(json_integer_value(json_object_get(money, "length")), 4);
}

static void the_same_entity_is_told_once_with_its_count(void **state)
{
    json_auto_t *analysis = rig_read_z(state, "Hamburg is old. We like HAMBURG and Hamburg. It is in Hamburg.\n");
    const json_t *hamburg = rig_entity(analysis, "place", "Hamburg");
    assert_non_null(hamburg);
    assert_int_equal(rig_count(analysis, "place"), 1);
    assert_int_equal(json_integer_value(json_object_get(hamburg, "count")), 4);
    assert_int_equal(json_integer_value(json_object_get(hamburg, "offset")), 0);
}

static void at_most_a_hundred_are_told_and_the_frequent_ones_are_among_them(void **state)
{
    DM_AUTO(dm_buf) page = dm_buf_make(65536);
    for (int i = 0; i < 300; i++)
        dm_buf_addf(&page, "Write to user%d@example.org about it. ", i);
    dm_buf_add_z(&page, "Write to often@example.org and again to often@example.org.");
    json_auto_t *analysis = rig_read(state, dm_buf_str(&page));
    assert_int_equal(json_array_size(json_object_get(analysis, "entities")), 100);
    assert_entity(analysis, "email", "often@example.org");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contracts_parties_dates_and_amounts_are_found),
        cmocka_unit_test(an_invoices_numbers_are_found),
        cmocka_unit_test(dates_are_found_as_many_countries_write_them),
        cmocka_unit_test(amounts_are_found_as_many_countries_write_them),
        cmocka_unit_test(identifiers_are_found_with_their_kind),
        cmocka_unit_test(addresses_of_the_net_end_where_the_sentence_goes_on),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(the_possessive_is_no_part_of_a_name),
        cmocka_unit_test(what_only_looks_like_an_entity_is_left_alone),
        cmocka_unit_test(an_amount_in_code_is_none),
        cmocka_unit_test(offsets_count_code_points),
        cmocka_unit_test(the_same_entity_is_told_once_with_its_count),
        cmocka_unit_test(at_most_a_hundred_are_told_and_the_frequent_ones_are_among_them),
    };
    return run_group("extractive: entities", tests, rig_open, rig_close);
}
