// Conversations in files: the same bits after loading, and every damage found.
#include <cstring>
#include <fstream>

#include "api/counting_engine.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/session.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    using M = tiny_e2b;
    using exact_engine = engine<M, modality::text, any_format, exact>;

    exact_engine const& tiny()
    {
        static auto const loaded = exact_engine::load(
            tiny_checkpoint(M::name), {.context = 512, .chunk = 32, .rewind_reserve = 8, .threads = 1});
        return loaded;
    }

    std::filesystem::path nano_folder() { return data() / ".." / ".." / "models" / "nano"; }

    engine<nano> const& chat()
    {
        static auto const loaded =
            load<nano>(nano_folder(), {.context = 1024, .chunk = 64, .rewind_reserve = 16, .threads = 1});
        return loaded;
    }

    std::filesystem::path file(std::string const& name) { return scratch() / (name + ".state"); }

    std::string bytes_of(std::filesystem::path const& path)
    {
        std::ifstream in(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }

    void write(std::filesystem::path const& path, std::string const& bytes)
    {
        std::ofstream(path, std::ios::binary) << bytes;
    }

    std::string sealed(std::string bytes)
    {
        auto const body = bytes.size() - 8;
        auto const sum = sealed_sum(std::as_bytes(std::span(bytes).first(body)));
        std::memcpy(bytes.data() + body, &sum, 8);
        return bytes;
    }

    // The logits of a few more tokens.
    template <class Session>
    std::vector<std::vector<float>> next_logits(Session& s, std::vector<token_id> prompt, std::size_t count)
    {
        std::vector<std::vector<float>> all;
        auto const see = [&](std::span<float> logits, std::span<token_id const>)
        { all.emplace_back(logits.begin(), logits.end()); };
        auto run = s.complete(std::move(prompt), {.stop = {.max_tokens = count}}, see);
        (void)run.rest();
        return all;
    }

    std::vector<token_id> tokens(std::size_t n)
    {
        std::vector<token_id> all(n);
        for (std::size_t i = 0; i != n; ++i) { all[i] = token_id(500 + i * 37 % 1400); }
        return all;
    }
}

TEST_CASE("after loading the next logits have the same bits, also past the window")
{
    for (std::size_t const length : {1u, 15u, 40u, 128u, 129u, 300u})
    {
        CAPTURE(length);
        session never_stopped(tiny());
        (void)next_logits(never_stopped, tokens(length), 5);
        never_stopped.save(file("logits"));
        counting_engine const counted(tiny());
        session loaded(counted);
        loaded.load(file("logits"));
        CHECK(std::ranges::equal(loaded.tokens(), never_stopped.tokens()));
        CHECK(loaded.past().size() == never_stopped.past().size());

        std::vector<token_id> longer(never_stopped.tokens().begin(), never_stopped.tokens().end());
        longer.push_back(700);
        longer.push_back(701);
        auto const expected = next_logits(never_stopped, longer, 6);
        auto const found = next_logits(loaded, longer, 6);
        CHECK(counted.take().rows == 3 + 5);    // one that waited, two more, and those that were made
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i != found.size(); ++i)
        {
            CHECK(std::memcmp(found[i].data(), expected[i].data(), found[i].size() * sizeof(float)) == 0);
        }
    }
}

TEST_CASE("the same with keys and values in bfloat16 and int8")
{
    for (auto const kv : {kv_type::bf16, kv_type::int8})
    {
        CAPTURE(int(kv));
        auto const model =
            engine<M>::load(tiny_checkpoint(M::name), {.context = 512, .chunk = 32, .threads = 1, .kv = kv});
        session before(model);
        (void)next_logits(before, tokens(200), 3);
        before.save(file("kv"));
        session after(model);
        after.load(file("kv"));
        std::vector<token_id> longer(before.tokens().begin(), before.tokens().end());
        longer.push_back(700);
        CHECK(next_logits(before, longer, 4) == next_logits(after, longer, 4));
        session other(tiny());
        CHECK_THROWS_AS(other.load(file("kv")), mismatch_error);
    }
}

TEST_CASE("soft tokens are in the file, and what follows them has the same bits")
{
    auto const rows = [](std::size_t count, float scale)
    {
        soft_tokens made{count, M::text.hidden, std::vector<float>(count * M::text.hidden)};
        for (std::size_t i = 0; i != made.values.size(); ++i) { made.values[i] = scale * float(i % 17) - 1; }
        return std::make_shared<soft_tokens const>(std::move(made));
    };
    auto const prompt_of = [&](std::size_t length, float scale)
    {
        token_prompt prompt{tokens(length)};
        for (position const first : {3u, 20u})
        {
            auto const values = rows(9, scale);
            prompt.soft.push_back(
                {first, 9, true, values, checksum(std::as_bytes(std::span(values->values)))});
        }
        return prompt;
    };
    session before(tiny());
    auto run = before.complete(prompt_of(60, 0.25f), {.stop = {.max_tokens = 3}});
    (void)run.rest();
    before.save(file("media"));
    session after(tiny());
    after.load(file("media"));
    auto longer = prompt_of(60, 0.25f);
    longer.tokens.assign(before.tokens().begin(), before.tokens().end());
    longer.tokens.push_back(700);
    auto expected = before.complete(longer, {.stop = {.max_tokens = 4}});
    auto found = after.complete(longer, {.stop = {.max_tokens = 4}});
    CHECK(found.used().cached_tokens == 62);
    (void)expected.rest();
    (void)found.rest();
    CHECK(std::ranges::equal(expected.tokens(), found.tokens()));

    // another picture in the same places is another past
    after.load(file("media"));
    longer = prompt_of(60, 0.5f);
    auto other = after.complete(longer, {.stop = {.max_tokens = 1}});
    CHECK(other.used().cached_tokens <= 3);
}

TEST_CASE("a chat goes on in another session as if it had never stopped: messages, thoughts, checkpoints")
{
    session first(chat(), session_options{.system = "You are a pirate.", .thinking = true});
    (void)first.ask("What is 27 + 35?", first.defaults()).rest();
    (void)first.ask("Tell me a story about a fox.", first.defaults()).rest();
    first.save(file("chat"));

    counting_engine const counted(chat());
    session second(counted);
    second.load(file("chat"));
    CHECK(second.messages() == first.messages());
    CHECK(second.options().system == "You are a pirate.");
    CHECK(second.options().thinking);
    auto expected = first.ask("What is 3 + 4?", first.defaults());
    auto found = second.ask("What is 3 + 4?", second.defaults());
    CHECK(std::ranges::equal(first.tokens(), second.tokens()));
    CHECK(expected.used().cached_tokens == found.used().cached_tokens);
    auto const prompt = second.tokens().size();
    CHECK(found.used().cached_tokens > prompt / 4);
    CHECK(found.rest() == expected.rest());
    CHECK(counted.take().rows == prompt - found.used().cached_tokens + found.tokens().size());
    second.clear();
    CHECK(second.messages().size() == 1);

    // saving what was loaded gives the same file
    session third(chat());
    third.load(file("chat"));
    third.save(file("chat2"));
    CHECK(bytes_of(file("chat")) == bytes_of(file("chat2")));
}

TEST_CASE("a system prompt can be shipped already processed")
{
    tool_definition const tool{
        .name = "calculate",
        .declaration =
            json_value::object{
                {"type", "function"},
                {"function", json_value::object{{"name", "calculate"},
                                                {"description", "Evaluates an arithmetic expression"}}}},
        .call = {}};
    session maker(chat(), session_options{.system = "Be brief.", .tools = {tool}});
    maker.prepare();
    maker.save(file("warm"));

    auto with_call = tool;
    with_call.call = [](json_value const&) -> json_value { return 1; };
    session user(chat(), session_options{.tools = {with_call}});
    user.load(file("warm"));
    REQUIRE(user.options().tools.size() == 1);
    CHECK(user.options().tools[0].call);    // by its name
    auto run = user.ask("Hello", user.defaults());
    CHECK(run.used().cached_tokens == maker.past().size());
    CHECK(run.used().cached_tokens > 20);
    session cold(chat(), session_options{.system = "Be brief.", .tools = {tool}});
    CHECK(run.rest() == cold.ask("Hello", cold.defaults()).rest());
}

TEST_CASE("a file of another model, version or type is refused, and the session stays what it was")
{
    session s(chat(), "Be brief.");
    (void)s.ask("Hello", s.defaults()).rest();
    s.save(file("good"));
    auto const good = bytes_of(file("good"));
    auto const messages = s.messages();
    auto const refused = [&](std::string const& bytes, char const* what)
    {
        write(file("bad"), bytes);
        CHECK_THROWS_WITH_AS(s.load(file("bad")), doctest::Contains(what), file_error);
        CHECK(s.messages() == messages);
    };
    CHECK_THROWS_AS(s.load(scratch() / "nothing.state"), file_error);
    refused("", "does not begin with g4state");
    refused(std::string(200, 'x'), "does not begin with g4state");
    auto version = good;
    version[8] = 9;
    refused(sealed(version), "has format version 9, expected 2");
    refused(good.substr(0, good.size() - 1), "damaged");
    refused(sealed(good.substr(0, good.size() / 2)), "damaged");

    session other(tiny());
    (void)next_logits(other, tokens(3), 1);
    other.save(file("tiny"));
    CHECK_THROWS_WITH_AS(s.load(file("tiny")), doctest::Contains("was saved with the model tiny_e2b"),
                         mismatch_error);
    auto const elsewhere = exact_engine::load(tiny_checkpoint(M::name, "seed", {.seed = 5, .towers = false}),
                                              {.context = 512, .threads = 1});
    session fine_tuned(elsewhere);
    CHECK_THROWS_WITH_AS(fine_tuned.load(file("tiny")), doctest::Contains("weights of fingerprint"),
                         mismatch_error);

    // the way to compute decides about the bits that follow
    auto const way = [](compute_mode compute, weight_precision weights)
    {
        using any = engine<M, modality::text, any_format, any_compute>;
        return any::load(
            tiny_checkpoint(M::name),
            {.context = 512, .threads = 1, .compute = compute, .weights = weights, .kv = kv_type::f32});
    };
    auto const stored = way(compute_mode::fast, weight_precision::stored);
    auto const int8 = way(compute_mode::fast, weight_precision::int8);
    auto const exact_way = way(compute_mode::exact, weight_precision::stored);
    session exactly(exact_way), quickly(stored), roughly(int8);
    (void)next_logits(exactly, tokens(3), 1);
    exactly.load(file("tiny"));    // of the engine whose type says exact
    CHECK_THROWS_WITH_AS(
        quickly.load(file("tiny")),
        doctest::Contains("was saved with the way to compute: the exact path, but this engine "
                          "has the fast path with weights as stored"),
        mismatch_error);
    (void)next_logits(roughly, tokens(3), 1);
    roughly.save(file("rough"));
    CHECK_THROWS_WITH_AS(quickly.load(file("rough")),
                         doctest::Contains("the fast path with int8 weights, but this engine"),
                         mismatch_error);
    CHECK_THROWS_AS(exactly.load(file("rough")), mismatch_error);
    roughly.load(file("rough"));

    auto const small = load<nano>(nano_folder(), {.context = 8, .threads = 1});
    session narrow(small);
    CHECK_THROWS_AS(narrow.load(file("good")), capacity_error);

    // nothing is left beside the files
    for (auto const& entry : std::filesystem::directory_iterator(scratch()))
    {
        CHECK(entry.path().extension() != ".part");
    }
    CHECK_THROWS_AS(s.save(scratch() / "no_folder" / "x.state"), file_error);
}

TEST_CASE("every changed byte is found")
{
    session s(tiny());
    (void)next_logits(s, tokens(3), 1);
    s.save(file("bytes"));
    auto const good = bytes_of(file("bytes"));
    session into(tiny());
    auto const load = [&](std::string const& bytes)
    {
        write(file("changed"), bytes);
        into.load(file("changed"));
    };
    for (std::size_t i = 0; i < good.size(); i += 1 + good.size() / 100)
    {
        auto bad = good;
        bad[i] = char(bad[i] ^ char(1 << i % 8));
        CHECK_THROWS_AS(load(bad), file_error);
    }
    // with a good checksum the parser is on its own: an error of the family, or a state that works
    std::size_t refused = 0, all = 0;
    for (std::size_t i = 16; i < 1000; i += 3, ++all)
    {
        auto bad = good;
        bad[i] = char(bad[i] ^ char(1 << i % 8));
        try
        {
            load(sealed(bad));
            (void)next_logits(into, tokens(4), 1);
        }
        catch (gemma4::error const&)
        {
            ++refused;
        }
    }
    CHECK(refused > all / 3);
}
