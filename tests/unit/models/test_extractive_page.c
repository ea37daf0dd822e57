/* test_extractive_page.c: what the built-in model says of a page: summary, key points,
 * sentiment, language. */
#include "rig.h"

#include <stdlib.h>

static const char city[] =
    "Rotterdam\n"
    "\n"
    "Rotterdam is the second-largest city in the Netherlands and home to the largest seaport in Europe. The city\n"
    "lies at the mouth of the Nieuwe Maas channel leading into the delta at the North Sea. Its history goes back\n"
    "to 1270, when a dam was constructed in the river Rotte. In 1340, Rotterdam was granted city rights by the\n"
    "Count of Holland.\n"
    "\n"
    "On 14 May 1940 bombs destroyed almost the whole of the city centre. Rebuilding began in the 1950s and gave\n"
    "the city a modern skyline with buildings by renowned architects. The port employs about 180,000 people\n"
    "directly and indirectly. Dr. Allard Castelein, who led the port until 2023, said that the port would invest\n"
    "2.3 billion euros in hydrogen by 2030.\n"
    "\n"
    "12\n";

/* Sentences of the summary that do not stand in the text. */
static void assert_quotes(const char *text, const char *summary)
{
    DM_AUTO(dm_buf) whole = rig_squeezed(dm_str_z(text));
    struct dm_str rest = dm_str_z(summary);
    while (rest.len > 0) {
        size_t end = dm_str_find(rest, DM_STR(". "));
        struct dm_str sentence = dm_str_cut(rest, 0, end);
        if (dm_str_find(dm_buf_str(&whole), sentence) == whole.len)
            fail_msg("\"%.*s\" does not stand on the page", DM_STR_ARG(sentence));
        rest = dm_str_from(rest, end + 2);
    }
}

static void a_summary_quotes_the_page(void **state)
{
    json_auto_t *analysis = rig_read_z(state, city);
    assert_quotes(city, rig_text(analysis, "summary"));
    assert_true(strlen(rig_text(analysis, "summary")) > 80);
    assert_non_null(strstr(rig_text(analysis, "summary"), "Rotterdam is the second-largest city"));
    assert_string_equal(rig_text(analysis, "language"), "en");
}

static void key_points_say_something_else_than_the_summary(void **state)
{
    json_auto_t *analysis = rig_read_z(state, city);
    assert_true(json_array_size(json_object_get(analysis, "keyPoints")) >= 3);
    size_t i;
    json_t *point;
    json_array_foreach (json_object_get(analysis, "keyPoints"), i, point) {
        assert_null(strstr(rig_text(analysis, "summary"), json_string_value(point)));
        assert_quotes(city, json_string_value(point));
    }
}

static void line_ends_of_print_are_blanks_in_quotes(void **state)
{
    json_auto_t *analysis = rig_read_z(state, city);
    assert_null(strchr(rig_text(analysis, "summary"), '\n'));
    assert_true(rig_says(analysis, "The city lies at the mouth"));
}

static void an_abbreviation_does_not_end_a_sentence(void **state)
{
    json_auto_t *english =
        rig_read_z(state, "Dr. Smith met Mr. Jones of Acme Inc. in the U.S. last year. They agreed on a plan.");
    assert_true(rig_says(english, "Dr. Smith met Mr. Jones of Acme Inc. in the U.S. last year."));
    json_auto_t *german =
        rig_read_z(state, "Am 3. Oktober war Dr. Weber z. B. in Berlin und in Bonn. Er kam mit der Bahn.");
    assert_true(rig_says(german, "Am 3. Oktober war Dr. Weber z. B. in Berlin und in Bonn."));
}

static void a_question_mark_in_an_address_does_not_end_a_sentence(void **state)
{
    json_auto_t *analysis =
        rig_read_z(state, "The report is kept at https://example.org/a?id=1 and can be read there. It is long.");
    assert_true(rig_says(analysis, "https://example.org/a?id=1 and can be read there."));
}

static void page_numbers_headings_and_contents_are_no_summary_where_there_is_prose(void **state)
{
    json_auto_t *analysis = rig_read_z(
        state, "User Manual\n\n"
               "1. Introduction ........................................ 3\n"
               "2. Installation and introduction ....................... 7\n"
               "3. Introduction of introductions ....................... 9\n\n"
               "This manual explains how the machine is installed and used every day. It is written for people who\n"
               "have not worked with the machine before. The machine must be cleaned once a week.\n\n"
               "Page 2 of 40\n");
    assert_null(strstr(rig_text(analysis, "summary"), "..."));
    assert_null(strstr(rig_text(analysis, "summary"), "Page 2"));
    assert_non_null(strstr(rig_text(analysis, "summary"), "This manual explains how the machine is installed"));
}

static void a_table_of_contents_is_told_without_its_dots_and_numbers(void **state)
{
    json_auto_t *dotted = rig_read_z(state, "Contents\n\n"
                                            "1. Getting started ......................... 3\n"
                                            "2. Writing suppressions . . . . . . . . . .  7\n"
                                            "3. Reporting ............................. xii\n");
    assert_string_equal(rig_text(dotted, "summary"),
                        "Contents: 1. Getting started; 2. Writing suppressions; 3. Reporting");
    json_auto_t *plain =
        rig_read_z(state, "Contents\n\n"
                          "1 Introduction   1\n1.1 Why this book   3\n2 Foundations   9\n2.1 Sets   10\n");
    assert_string_equal(rig_text(plain, "summary"),
                        "Contents: 1 Introduction; 1.1 Why this book; 2 Foundations; 2.1 Sets");
    assert_int_equal(json_array_size(json_object_get(plain, "keyPoints")), 0);
}

static const char listing[] = "#include <stdio.h>\n\n"
                              "int main(int argc, char **argv)\n{\n"
                              "    FILE *file = fopen(argv[1], \"r\");\n"
                              "    if (!file)\n"
                              "        return EXIT_FAILURE;\n"
                              "    fclose(file);\n"
                              "    return 0;\n}\n";

static void code_is_not_quoted(void **state)
{
    DM_AUTO(dm_buf) page = dm_buf_make(4096);
    dm_buf_addf(&page,
                "The following program opens the file that was named and closes it again.\n\n%s\n"
                "It does not read from the file, which would be the next step for a careful reader.\n",
                listing);
    json_auto_t *analysis = rig_read(state, dm_buf_str(&page));
    assert_true(rig_says(analysis, "The following program opens the file"));
    assert_false(rig_says(analysis, "fopen"));
    assert_false(rig_says(analysis, "return"));
}

static void a_page_of_code_is_told_by_its_caption(void **state)
{
    DM_AUTO(dm_buf) page = dm_buf_make(4096);
    dm_buf_addf(&page, "Listing 4.2: opening a file\n\n%s", listing);
    json_auto_t *analysis = rig_read(state, dm_buf_str(&page));
    assert_string_equal(rig_text(analysis, "summary"), "Listing 4.2: opening a file");
    assert_string_equal(rig_text(analysis, "sentiment"), "neutral");
}

static void a_page_without_letters_or_digits_is_empty(void **state)
{
    static const char *const pages[] = { "", " \n\t \f", "--- *** ---\n\xe2\x80\xa2\n", "\xe2\x96\xa1\xe2\x96\xb3" };
    for (size_t i = 0; i < DM_COUNT(pages); i++) {
        DM_AUTO(dm_buf) bytes = rig_bytes(state, dm_str_z(pages[i]));
        assert_text(dm_buf_str(&bytes), DM_STR("{\"summary\":\"\",\"entities\":[],\"keyPoints\":[],"
                                               "\"sentiment\":\"neutral\",\"empty\":true}"));
    }
    DM_AUTO(dm_buf) nothing = rig_bytes(state, (struct dm_str){ NULL, 0 });
    assert_non_null(strstr(dm_buf_z(&nothing), "\"empty\":true"));
    json_auto_t *single = rig_read_z(state, "7");
    assert_null(json_object_get(single, "empty"));
}

static void a_word_divided_at_a_lines_end_is_joined_and_a_compound_is_not(void **state)
{
    json_auto_t *german =
        rig_read_z(state, "Im letzten Jahr stammten rund fünfzig Pro-\nzent des Stroms aus erneuerbaren Quellen.");
    assert_true(rig_says(german, "fünfzig Prozent des Stroms"));
    json_auto_t *pair = rig_read_z(state, "Das Wetter ist auf der Nord-\nund der Südhalbkugel sehr verschieden.");
    assert_true(rig_says(pair, "auf der Nord- und der Südhalbkugel"));
    json_auto_t *compound = rig_read_z(state, "The run is long. This value is a run-\ntime constant of the program.");
    assert_true(rig_says(compound, "a run-time constant"));
}

static void a_number_that_begins_a_line_is_no_item(void **state)
{
    json_auto_t *german =
        rig_read_z(state, "Die Klägerin verlangte von der Beklagten die Zahlung der Miete für den Monat April\n"
                          "2020. Die Beklagte hat die Miete nicht gezahlt und will es auch nicht tun.\n");
    assert_true(rig_says(german, "die Zahlung der Miete für den Monat April 2020."));
    json_auto_t *list =
        rig_read_z(state, "The following must be done before the ship can leave the harbour of the town:\n"
                          "1. The crew counts the boats and writes the number down in the book of the ship\n"
                          "2. The captain signs the book and gives it to the harbour master of the town\n");
    assert_true(rig_says(list, "The crew counts the boats"));
    assert_false(rig_says(list, "ship 2. The captain"));
}

static void a_form_is_told_by_its_values(void **state)
{
    json_auto_t *analysis = rig_read_z(state, "Acme Office Supplies Ltd\n\nInvoice\n\n"
                                              "Invoice No.: INV-2024-0042\n"
                                              "Invoice date: 12 March 2024\n"
                                              "Total: $1,250.00\n\n"
                                              "Please pay the amount within thirty days to our account.\n");
    assert_true(rig_says(analysis, "Please pay the amount within thirty days"));
    assert_true(rig_says(analysis, "Invoice No.: INV-2024-0042"));
    assert_true(rig_says(analysis, "Total: $1,250.00"));
}

static void languages_are_told_apart(void **state)
{
    static const struct {
        const char *language, *text;
    } pages[] = {
        { "en", "The ship left the harbour in the morning and came back before it was dark." },
        { "de", "Das Schiff hat den Hafen am Morgen verlassen und ist vor der Nacht zurückgekommen." },
        { "fr", "Le navire a quitté le port dans la matinée et il est revenu avant la nuit." },
        { "es", "El barco salió del puerto por la mañana y volvió antes de que fuera de noche." },
        { "it", "La nave ha lasciato il porto nella mattina ed è tornata prima della notte." },
        { "pt", "O navio saiu do porto de manhã e não voltou antes da noite, mas já está aqui." },
        { "nl", "Het schip heeft de haven in de ochtend verlaten en is voor de nacht niet teruggekomen." },
        { "sv", "Fartyget lämnade hamnen på morgonen och kom inte tillbaka förrän det var mörkt, men det är här." },
        { "da", "Skibet forlod havnen om morgenen og kom ikke tilbage før det blev mørkt, men nu er det her." },
        { "no", "Skipet forlot havnen om morgenen og kom ikke tilbake før det ble mørkt, men nå er det her hos oss." },
        { "fi", "Laiva lähti satamasta aamulla, mutta se ei ole vielä palannut, koska tuuli on ollut niin kova." },
        { "hu", "A hajó reggel elhagyta a kikötőt, és nem jött vissza, mert már nagyon sötét volt, de most itt van." },
        { "ro", "Nava a plecat din port dimineața și nu s-a întors până la căderea nopții, dar acum este aici." },
        { "tr",
          "Gemi sabah limandan ayrıldı ve hava kararmadan önce geri dönmedi, ama şimdi burada çok güzel bir yer var." },
        { "ru", "Корабль вышел из порта утром и не вернулся до ночи, но теперь он здесь." },
        { "pl", "Statek wypłynął z portu rano i nie wrócił przed nocą, ale już jest tutaj, bo się spieszył." },
        { "cs", "Loď vyplula z přístavu ráno a nevrátila se před nocí, ale už je tady, protože se bála." },
        { "uk", "Корабель вийшов із порту вранці і не повернувся до ночі, але вже він тут, бо є вітер." },
        { "el", "Το πλοίο έφυγε από το λιμάνι το πρωί και γύρισε πριν νυχτώσει." },
        { "ar", "غادرت السفينة الميناء في الصباح ولم تعد إلى المدينة قبل الليل." },
        { "he", "הספינה יצאה מן הנמל בבוקר ולא חזרה לפני הלילה." },
        { "ja", "船は朝に港を出て、夜になる前に戻ってきた。" },
        { "zh", "船早上离开了港口，天黑之前回来了。" },
        { "ko", "배는 아침에 항구를 떠나 어두워지기 전에 돌아왔다." },
        { "th", "เรือออกจากท่าในตอนเช้าและกลับมาก่อนค่ำ" },
    };
    for (size_t i = 0; i < DM_COUNT(pages); i++) {
        json_auto_t *analysis = rig_read_z(state, pages[i].text);
        if (strcmp(rig_text(analysis, "language"), pages[i].language) != 0)
            fail_msg("\"%s\" was taken for \"%s\"", pages[i].text, rig_text(analysis, "language"));
        assert_true(strlen(rig_text(analysis, "summary")) > 0);
    }
    json_auto_t *numbers = rig_read_z(state, "12 34 56\n78 90 11\n");
    assert_null(json_object_get(numbers, "language"));
}

static void japanese_sentences_are_found_without_blanks(void **state)
{
    json_auto_t *analysis = rig_read_z(
        state, "東京国立博物館は、東京都台東区の上野公園内にある博物館である。日本と東洋の文化財を収集し、保管し、\n"
               "展示することを目的としている。1872年3月10日に創設された、日本最古の博物館である。所蔵品は約12万件に\n"
               "のぼる。その中には89件の国宝と649件の重要文化財が含まれている。\n");
    assert_true(rig_says(analysis, "東京国立博物館は、東京都台東区の上野公園内にある博物館である。"));
    assert_true(rig_says(analysis, "保管し、展示することを目的としている。")); /* no blank at the line's end */
    assert_entity(analysis, "date", "1872年3月10日");
}

static void russian_pages_are_read(void **state)
{
    json_auto_t *analysis = rig_read_z(
        state, "Эрмитаж — один из крупнейших художественных музеев мира. Музей был основан 7 декабря 1764 года.\n"
               "Директором музея с 1992 года является Михаил Пиотровский. Билет в музей стоит 500 рублей.\n");
    assert_true(rig_says(analysis, "Эрмитаж — один из крупнейших художественных музеев мира."));
    assert_entity(analysis, "person", "Михаил Пиотровский");
    assert_entity(analysis, "money", "500 рублей");
}

static void feelings_are_told(void **state)
{
    static const struct {
        const char *feeling, *text;
    } pages[] = {
        { "positive",
          "We loved this hotel. The staff were friendly, the room was lovely and the breakfast delicious." },
        { "negative",
          "This was the worst purchase ever. The device was broken and the seller was rude and dishonest." },
        { "mixed", "The food was excellent and the wine outstanding. The service was terrible and our waiter rude." },
        { "neutral", "The committee meets on Monday. Members receive the papers a week before the meeting." },
        { "neutral",
          "The tool reports errors and leaks. It prints a warning if memory was lost or a pointer is wrong." },
        { "positive",
          "Wir waren sehr zufrieden. Das Personal war freundlich, das Zimmer schön und das Essen hervorragend." },
        { "negative", "Der Service war schlecht, das Zimmer schmutzig und das Essen furchtbar. Wir sind enttäuscht." },
        { "positive", "Un séjour magnifique, le personnel est très gentil et le repas était délicieux." },
        { "negative", "Un service horrible, le personnel était désagréable et la chambre sale. Je suis déçu." },
        { "positive", "Una estancia maravillosa, el personal es muy amable y la comida excelente." },
        { "negative", "El servicio fue pésimo, la habitación estaba sucia y la comida era horrible." },
    };
    for (size_t i = 0; i < DM_COUNT(pages); i++) {
        json_auto_t *analysis = rig_read_z(state, pages[i].text);
        if (strcmp(rig_text(analysis, "sentiment"), pages[i].feeling) != 0)
            fail_msg("\"%s\" was found %s", pages[i].text, rig_text(analysis, "sentiment"));
        assert_true(json_is_number(json_object_get(analysis, "sentimentScore")));
    }
}

static double score_of(void **state, const char *text)
{
    json_auto_t *analysis = rig_read_z(state, text);
    return json_number_value(json_object_get(analysis, "sentimentScore"));
}

static void a_negation_turns_a_feeling_round(void **state)
{
    assert_true(score_of(state, "The room was good and we are happy with it.") > 0.2);
    assert_true(score_of(state, "The room was not good and we are not happy with it.") < -0.2);
    assert_true(score_of(state, "The room was not bad at all, and we had no problem with it.") > 0);
    assert_true(score_of(state, "Das Zimmer war nicht gut und das Essen war nicht lecker.") < 0);
    assert_true(score_of(state, "The room was good.") < score_of(state, "The room was very good."));
}

static void nothing_is_claimed_of_feelings_in_other_languages(void **state)
{
    json_auto_t *analysis =
        rig_read_z(state, "La nave ha lasciato il porto nella mattina ed è tornata prima della notte.");
    assert_string_equal(rig_text(analysis, "sentiment"), "neutral");
    assert_null(json_object_get(analysis, "sentimentScore"));
}

static void the_same_page_gives_the_same_bytes(void **state)
{
    DM_AUTO(dm_buf) first = rig_bytes(state, dm_str_z(city));
    json_auto_t *other =
        rig_read_z(state, "Das Schiff hat den Hafen am Morgen verlassen und ist nicht zurückgekommen.");
    assert_non_null(other);
    DM_AUTO(dm_buf) again = rig_bytes(state, dm_str_z(city));
    assert_text(dm_buf_str(&again), dm_buf_str(&first));
    void *fresh;
    assert_int_equal(rig_open(&fresh), 0);
    DM_AUTO(dm_buf) elsewhere = rig_bytes(&fresh, dm_str_z(city));
    assert_text(dm_buf_str(&elsewhere), dm_buf_str(&first));
    rig_close(&fresh);
}

static void any_bytes_are_read(void **state)
{
    uint32_t seed = 1;
    char bytes[3000];
    for (int round = 0; round < 60; round++) {
        size_t size = (size_t)round * 50;
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(round % 3 == 0 ? seed >> 24 : 32 + (seed >> 24) % 96);
        }
        json_auto_t *analysis = rig_read(state, dm_str_of(bytes, size));
        assert_non_null(analysis);
    }
    static const char broken[] = "Caf\xe9 \xf0\x9f\x98 \xc0\x80 \xed\xa0\x80 ends here. \0The rest\xff";
    json_auto_t *analysis = rig_read(state, dm_str_of(broken, sizeof(broken) - 1));
    assert_non_null(analysis);
}

static const size_t enormous = 1048576; /* bytes; far past what is promised to be read */

static void repeated(struct dm_buf *page, const char *part, size_t bytes)
{
    dm_buf_clear(page);
    while (page->len < bytes)
        dm_buf_add_z(page, part);
}

static void enormous_pages_are_read_as_far_as_is_promised(void **state)
{
    static const char *const parts[] = { "a",       "a b ",        "It is so. ", "A. ",  "\n", "的",
                                         "a.",      "Inc ",        "@",          "1 2",  "(",  "\xcc\x81",
                                         "http://", "Anna Maria ", "ab-\ncd ",   "\xff", "l'", "University of " };
    DM_AUTO(dm_buf) page = dm_buf_make(enormous * 2);
    for (size_t i = 0; i < DM_COUNT(parts); i++) {
        repeated(&page, parts[i], enormous);
        json_auto_t *analysis = rig_read(state, dm_buf_str(&page));
        assert_non_null(analysis);
    }
    dm_buf_clear(&page);
    for (uint32_t i = 0; page.len < enormous; i++)
        dm_buf_addf(&page, "%x ", i * 2654435761U); /* every word another */
    json_auto_t *analysis = rig_read(state, dm_buf_str(&page));
    assert_non_null(analysis);
}

static void words_are_counted_as_tokens_and_nothing_is_charged(void **state)
{
    struct dm_err err;
    struct dm_usage usage;
    DM_AUTO(dm_buf) bytes = dm_buf_make(0);
    assert_ok(dm_extractive_page(*state, DM_STR("The ship left the harbour."), &bytes, &usage, &err), &err);
    assert_int_equal(usage.model_calls, 1);
    assert_int_equal(usage.input_tokens, 5);
    assert_true(usage.output_tokens > 5);
    assert_int_equal(usage.cost_micros, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_summary_quotes_the_page),
        cmocka_unit_test(key_points_say_something_else_than_the_summary),
        cmocka_unit_test(line_ends_of_print_are_blanks_in_quotes),
        cmocka_unit_test(an_abbreviation_does_not_end_a_sentence),
        cmocka_unit_test(a_question_mark_in_an_address_does_not_end_a_sentence),
        cmocka_unit_test(page_numbers_headings_and_contents_are_no_summary_where_there_is_prose),
        cmocka_unit_test(a_table_of_contents_is_told_without_its_dots_and_numbers),
        cmocka_unit_test(code_is_not_quoted),
        cmocka_unit_test(a_page_of_code_is_told_by_its_caption),
        cmocka_unit_test(a_page_without_letters_or_digits_is_empty),
        cmocka_unit_test(a_word_divided_at_a_lines_end_is_joined_and_a_compound_is_not),
        cmocka_unit_test(a_number_that_begins_a_line_is_no_item),
        cmocka_unit_test(a_form_is_told_by_its_values),
        cmocka_unit_test(languages_are_told_apart),
        cmocka_unit_test(japanese_sentences_are_found_without_blanks),
        cmocka_unit_test(russian_pages_are_read),
        cmocka_unit_test(feelings_are_told),
        cmocka_unit_test(a_negation_turns_a_feeling_round),
        cmocka_unit_test(nothing_is_claimed_of_feelings_in_other_languages),
        cmocka_unit_test(the_same_page_gives_the_same_bytes),
        cmocka_unit_test(any_bytes_are_read),
        cmocka_unit_test(enormous_pages_are_read_as_far_as_is_promised),
        cmocka_unit_test(words_are_counted_as_tokens_and_nothing_is_charged),
    };
    return run_group("extractive: pages", tests, rig_open, rig_close);
}
