// Processor time of token masks. bench_mask_cost TOKENIZER.JSON [SCHEMA.JSON]
//
// For a set of documents, each told token by token: making the mask when the state is new (first) and when
// the grammar has seen documents before (again), median and worst, with writing -inf to the logits; share of
// tokens that were forced.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/call_grammar.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/regular_expression.hpp>
#include <gemma4/grammar/token_grammar.hpp>
#include <gemma4/grammar/token_trie.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace
{
    double now()    // milliseconds of this process's processor time
    {
        timespec t{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return double(t.tv_sec) * 1e3 + double(t.tv_nsec) * 1e-6;
    }

    template <class Work>
    double cost(Work work)
    {
        auto const begin = now();
        work();
        return now() - begin;
    }

    struct result
    {
        double median;
        double worst;
        double mean;
    };

    result summary(std::vector<double> times)
    {
        std::ranges::sort(times);
        double sum = 0;
        for (auto const t : times) { sum += t; }
        return {times[times.size() / 2], times.back(), sum / double(times.size())};
    }

    // Walks a document through a fresh mask of the grammar; the time of each mask.
    std::vector<double> walk(std::shared_ptr<gemma4::token_grammar> const& rules, std::string const& document,
                             std::size_t* forced = nullptr)
    {
        auto const& tokens = rules->trie().tokens();
        std::vector<float> logits(tokens.size());
        gemma4::grammar_mask mask(rules, {106});
        std::vector<double> times;
        for (auto const id : tokens.encode(document, gemma4::special_tokens::recognise))
        {
            std::ranges::fill(logits, 1.0f);
            times.push_back(cost([&] { mask.restrict(logits); }));
            if (!(logits[std::size_t(id)] > 0)) { throw gemma4::error("a token of the document is masked"); }
            if (forced)
            {
                auto const only = mask.forced();
                if (only && only->front() == id) { ++*forced; }
            }
            mask.accept(id);
        }
        if (!mask.complete()) { throw gemma4::error("the document is not complete"); }
        return times;
    }

    void report(char const* title, gemma4::grammar const& source,
                std::shared_ptr<gemma4::token_trie const> const& trie,
                std::vector<std::string> const& documents)
    {
        std::shared_ptr<gemma4::token_grammar> rules;
        auto const compile = cost([&] { rules = std::make_shared<gemma4::token_grammar>(source, trie); });
        std::vector<double> first;
        std::vector<double> again;
        std::size_t forced = 0;
        for (auto const& document : documents)
        {
            for (auto const t : walk(rules, document)) { first.push_back(t); }
        }
        for (auto const& document : documents)
        {
            for (auto const t : walk(rules, document, &forced)) { again.push_back(t); }
        }
        auto const a = summary(first);
        auto const b = summary(again);
        std::printf(
            "%-24s compile %7.2f ms | first: median %.3f mean %.3f worst %.2f ms | again: median %.3f mean "
            "%.3f worst %.3f ms | %zu tokens, %zu forced\n",
            title, compile, a.median, a.mean, a.worst, b.median, b.mean, b.worst, first.size(), forced);
    }
}

int main(int argc, char** argv)
{
    if (argc < 2)
    {
        std::fprintf(stderr, "usage: bench_mask_cost TOKENIZER.JSON\n");
        return 2;
    }
    try
    {
        auto const tokens = gemma4::tokenizer::from_file(argv[1]);
        std::shared_ptr<gemma4::token_trie const> trie;
        auto const build = cost([&] { trie = std::make_shared<gemma4::token_trie const>(tokens); });
        std::printf("vocabulary of %zu tokens: tree of %zu nodes in %.0f ms\n", tokens.size(), trie->size(),
                    build);

        auto const schema = [](char const* text)
        { return gemma4::json_schema_grammar(gemma4::read_json_value(text, "schema")); };
        report(
            "invoice",
            schema(
                R"({"type": "object", "properties": {"number": {"type": "string"}, "date": {"type": "string",
               "format": "date"}, "total": {"type": "number"}, "currency": {"enum": ["EUR", "USD", "GBP"]},
               "items": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"},
               "count": {"type": "integer"}, "price": {"type": "number"}}, "required": ["name", "count",
               "price"]}}, "note": {"type": "string"}}, "required": ["number", "date", "total", "items"]})"),
            trie,
            {R"({"number": "2024-0017", "date": "2024-05-12", "total": 1234.5, "currency": "EUR", "items": )"
             R"([{"name": "A long table made of oak", "count": 2, "price": 499.99}, {"name": "Stühle, \"weiß\"", )"
             R"("count": 8, "price": 29.3125}], "note": "Payable within thirty days. 日本語も。"})",
             R"({"number": "INV/88", "date": "1999-12-31", "total": 0, "items": []})"});
        report(
            "any JSON", schema("{}"), trie,
            {R"({"a": [1, 2.5, {"b": null, "c": "text with words in it"}], "d": [[[["deep"]]]], "e": true})"});
        report(
            "maxLength 200",
            schema(
                R"({"type": "object", "properties": {"s": {"type": "string", "maxLength": 200}}, "required": ["s"]})"),
            trie,
            {R"({"s": "Twenty words or so of ordinary text, so that the counter of characters runs down a bit."})"});
        report(
            "maxLength 16, to its end",
            schema(
                R"({"type": "object", "properties": {"a": {"type": "string", "maxLength": 16}, "b": {"type": "string", "minLength": 8,
               "maxLength": 32}}, "required": ["a", "b"]})"),
            trie, {R"({"a": "A lamp of glass.", "b": "Twelve chairs and a table of oak"})"});
        report(
            "maxItems 20",
            schema(
                R"({"type": "array", "minItems": 5, "maxItems": 20, "items": {"type": "object", "properties": {"n":
               {"type": "string", "maxLength": 40}, "k": {"type": "integer"}}, "required": ["n", "k"]}})"),
            trie,
            {R"([{"n": "table", "k": 1}, {"n": "chair made of oak", "k": 12}, {"n": "lamp", "k": 3}, {"n": "Stühle", "k": 8}, )"
             R"({"n": "a box with many small things", "k": 100}])"});
        std::vector<gemma4::json_value> const tools{gemma4::read_json_value(
            R"({"type": "function", "function": {"name": "find", "description": "d", "parameters": {"type": "object",
               "properties": {"where": {"type": "string"}, "limit": {"type": "integer"}, "kinds": {"type": "array", "items":
               {"enum": ["house", "garden"]}}}, "required": ["where"]}}})",
            "tool")};
        report(
            "tool call",
            gemma4::call_grammar(tools, gemma4::call_tokens::of(tokens), gemma4::call_begin::after_marker),
            trie,
            {R"(call:find{kinds:[<|"|>house<|"|>],limit:12,where:<|"|>behind the old mill, on the left<|"|>}<tool_call|>)"});
        report("recursive",
               schema(R"({"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"v": {"type":
               "string"}, "next": {"type": "array", "items": {"$ref": "#/$defs/n"}}}, "required": ["v"]}}})"),
               trie, {R"({"v": "one", "next": [{"v": "two", "next": []}, {"v": "three"}]})"});
        report("regex .*", gemma4::regular_expression_grammar(".*"), trie,
               {"Anything on one line, 日本語 too."});
        report("regex words", gemma4::regular_expression_grammar("([A-Z][a-z]+ ?){1,20}\\d{4}"), trie,
               {"The Quick Brown Fox Jumps Over 2024"});
    }
    catch (gemma4::error const& e)
    {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
