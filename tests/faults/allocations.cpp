// Every place where memory is taken, failing: of operator new, of the engine's own memory resource.
//
// Of operator new, a first run notes from where each allocation is made (its stack). Then each of the first
// 200 fails, and of every different stack the first and the last allocation: all code that takes memory is
// met, not every turn of its loops.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory_resource>
#include <optional>
#include <set>
#include <string>

#include "allocation_counter.hpp"
#include "fault_injection.hpp"
#include "support/audio_signals.hpp"
#include "support/gguf_writer.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/any_model.hpp>
#include <gemma4/api/session.hpp>
#include <gemma4/spec/nano.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    using tiny_engine = any_engine<tiny_e2b>;

    std::filesystem::path nano_folder() { return data() / ".." / ".." / "models" / "nano"; }

    load_options nano_options()
    {
        load_options options;
        options.context = 512;
        options.chunk = 64;
        options.threads = 2;
        return options;
    }

    engine<nano> const& chat_model()
    {
        static auto const loaded = load<nano>(nano_folder(), nano_options());
        return loaded;
    }

    load_options tiny_options()
    {
        load_options options;
        options.context = 256;
        options.chunk = 64;
        options.threads = 2;
        options.compute = compute_mode::exact;
        return options;
    }

    generation_options greedy(std::size_t tokens)
    {
        auto options = session(chat_model()).defaults();
        options.sampling = {};
        options.stop.max_tokens = tokens;
        return options;
    }

    // Whether it returns. Everything but std::bad_alloc and errors of the library is a failure of the test.
    template <class Work>
    bool returns(Work&& work)
    {
        try
        {
            work();
            return true;
        }
        catch (std::bad_alloc const&)
        {}
        catch (error const&)
        {}
        return false;
    }

    // The allocations that are made to fail, of those whose stacks are given.
    std::vector<long> chosen(std::vector<std::uint64_t> const& stacks)
    {
        std::map<std::uint64_t, std::pair<long, long>> of_stack;
        for (std::size_t i = 0; i != stacks.size(); ++i)
        {
            auto const n = long(i) + 1;
            of_stack.emplace(stacks[i], std::pair(n, n)).first->second.second = n;
        }
        std::set<long> all;
        for (long n = 1; n <= std::min(long(stacks.size()), 200L); ++n) { all.insert(n); }
        for (auto const& [stack, ends] : of_stack) { all.insert({ends.first, ends.second}); }
        return {all.begin(), all.end()};
    }

    // prepare(), work() with a failing allocation, sound(whether work returned), clean(), over and over.
    // After clean() as much memory is taken as before prepare().
    template <class Prepare, class Work, class Sound, class Clean>
    void fail_allocations(Prepare prepare, Work work, Sound sound, Clean clean)
    {
        for (int warm = 0; warm != 2; ++warm)    // what is made once is made
        {
            prepare();
            work();
            sound(true);
            clean();
        }
        std::vector<std::uint64_t> stacks;
        prepare();
        arm_allocations(0, false, &stacks);
        work();
        auto const all = disarm_allocations();
        CHECK(allocations.elsewhere == 0);    // none in the pieces of work that threads share
        clean();
        auto const places = chosen(stacks);
        std::size_t swallowed = 0;
        for (bool const sticky : {false, true})    // that one, or it and all behind it
        {
            for (auto const n : places)
            {
                CAPTURE(n);
                CAPTURE(sticky);
                auto const before = allocations.live.load();
                prepare();
                arm_allocations(n, sticky);
                bool const returned = returns(work);
                auto const seen = disarm_allocations();
                swallowed += returned && seen >= n;
                sound(returned);
                clean();
                CHECK(allocations.live.load() == before);
            }
        }
        MESSAGE(places.size(), " of ", all, " allocations have failed, alone and with all behind them, ",
                swallowed, " times without an error: there is a way without");
    }

    tool_definition calculator()
    {
        json_value const text(json_value::object{{"type", "string"}});
        json_value const parameters(
            json_value::object{{"type", "object"}, {"properties", json_value::object{{"expression", text}}}});
        return {
            .name = "calculate",
            .declaration =
                json_value::object{{"type", "function"},
                                   {"function", json_value::object{{"name", "calculate"},
                                                                   {"description", "Evaluates an expression"},
                                                                   {"parameters", parameters}}}},
            .call = {}};
    }

    // A conversation with one answer, before each failure.
    struct conversation_under_test
    {
        std::optional<session<engine<nano>>> chat{};
        std::vector<json_value> messages{};
        std::string text{};

        void prepare()
        {
            chat.emplace(chat_model(), session_options{.system = "Be brief.", .tools = {calculator()}});
            (void)chat->ask("Hello", greedy(4)).rest();
            messages = chat->messages();
        }

        void ask() { text = chat->ask("What is 27 + 35?", greedy(12)).rest(); }

        void clean() { *this = {}; }

        // What ask() gives where nothing fails.
        static std::string const& expected()
        {
            static auto const answer = []
            {
                conversation_under_test one;
                one.prepare();
                one.ask();
                return one.text;
            }();
            return answer;
        }
    };

    std::string bytes_of(std::filesystem::path const& path)
    {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    std::size_t files_in(std::filesystem::path const& folder)
    {
        return std::size_t(std::distance(std::filesystem::directory_iterator(folder), {}));
    }

    std::filesystem::path empty_folder(std::string const& name)
    {
        auto const folder = scratch() / name;
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
        return folder;
    }

    std::filesystem::path tiny_gguf()
    {
        static auto const file = write_gguf(data() / "tiny" / "tiny_e2b", scratch() / "tiny.gguf");
        return file;
    }

    std::filesystem::path tiny_packed()
    {
        static auto const file = []
        {
            auto const out = scratch() / "tiny.g4";
            auto const from = open_model(tiny_checkpoint("tiny_e2b"), tiny_e2b::text, tiny_e2b::name);
            pack_model<tiny_e2b>(from, out, {.threads = 1});
            return out;
        }();
        return file;
    }

    template <class Load>
    void fail_loading(Load load)
    {
        fail_allocations([] {}, load, [](bool) {}, [] {});
    }

    rgb_image picture()
    {
        rgb_image made{96, 144, std::vector<std::uint8_t>(96 * 144 * 3)};
        for (std::size_t i = 0; i != made.pixels.size(); ++i) { made.pixels[i] = std::uint8_t(i * 7 % 251); }
        return made;
    }
}

TEST_CASE("operator new fails: loading a folder")
{
    fail_loading([] { (void)load<nano>(nano_folder(), nano_options()); });
    session chat(chat_model());
    CHECK(!chat.ask("Hello", greedy(4)).rest().empty());
}

TEST_CASE("operator new fails: loading a GGUF file and a packed file, mapped and read")
{
    for (auto const& path : {tiny_gguf(), tiny_packed()})
    {
        for (auto const access : {file_access::map, file_access::read})
        {
            CAPTURE(path.string());
            auto options = tiny_options();
            options.access = access;
            options.media = modality::text;
            fail_loading([&] { (void)tiny_engine::load(path, options); });
        }
    }
}

TEST_CASE("operator new fails: prompt and decode, with tools")
{
    auto const& expected = conversation_under_test::expected();
    conversation_under_test one;
    std::size_t unchanged = 0;
    fail_allocations([&] { one.prepare(); }, [&] { one.ask(); },
                     [&](bool returned)
                     {
                         if (returned)
                         {
                             CHECK(one.text == expected);
                             return;
                         }
                         auto const messages = one.chat->messages();
                         REQUIRE(messages.size() >= one.messages.size());
                         CHECK(std::equal(one.messages.begin(), one.messages.end(), messages.begin()));
                         if (messages.size() == one.messages.size())    // it was not said
                         {
                             ++unchanged;
                             one.ask();
                             CHECK(one.text == expected);
                             return;
                         }
                         // it was said; the conversation goes on, and another past is as it ever was
                         (void)one.chat->ask("Hello", greedy(2)).rest();
                         one.chat->set_messages(one.messages);
                         one.ask();
                         CHECK(one.text == expected);
                     },
                     [&] { one.clean(); });
    CHECK(unchanged != 0);
}

TEST_CASE("operator new fails: a fork, and both go on")
{
    auto const& expected = conversation_under_test::expected();
    conversation_under_test one;
    std::string other_text;
    fail_allocations([&] { one.prepare(); },
                     [&]
                     {
                         auto other = *one.chat;
                         other_text = other.ask("What is 27 + 35?", greedy(12)).rest();
                     },
                     [&](bool returned)
                     {
                         if (returned) { CHECK(other_text == expected); }
                         CHECK(one.chat->messages() == one.messages);
                         one.ask();
                         CHECK(one.text == expected);
                     },
                     [&]
                     {
                         one.clean();
                         other_text = {};
                     });
}

TEST_CASE("operator new fails: saving a conversation, over an old file")
{
    auto const folder = empty_folder("saving");
    conversation_under_test one;
    one.prepare();
    one.chat->save(folder / "new");
    auto const expected = bytes_of(folder / "new");
    std::filesystem::remove(folder / "new");
    std::string const old = "an old file";
    fail_allocations(
        [&]
        {
            one.prepare();
            std::ofstream(folder / "state") << old;
        },
        [&] { one.chat->save(folder / "state"); },
        [&](bool returned)
        {
            CHECK((bytes_of(folder / "state") == (returned ? expected : old)));
            CHECK(files_in(folder) == 1);
            CHECK(one.chat->messages() == one.messages);
        },
        [&] { one.clean(); });
}

TEST_CASE("operator new fails: loading a conversation")
{
    auto const file = scratch() / "loaded.state";
    conversation_under_test saved;
    saved.prepare();
    saved.ask();
    saved.chat->save(file);
    auto const expected = saved.chat->messages();
    conversation_under_test one;
    fail_allocations([&] { one.prepare(); }, [&] { one.chat->load(file); },
                     [&](bool returned)
                     {
                         CHECK((one.chat->messages() == (returned ? expected : one.messages)));
                         if (returned) { return; }
                         one.ask();
                         CHECK(one.text == conversation_under_test::expected());
                     },
                     [&] { one.clean(); });
}

TEST_CASE("operator new fails: encoding an image and a sound")
{
    auto const model =
        tiny_engine::load(tiny_checkpoint("tiny_e2b", "towers", {.towers = true}), tiny_options());
    auto const image = picture();
    auto const clip = audio_signal("saw", 16000);
    auto const expected_image = encode_image(model, image, 70)->runs.at(0)->values;
    auto const expected_sound = encode_audio(model, clip)->runs.at(0)->values;
    medium seen, heard;
    fail_allocations([] {},
                     [&]
                     {
                         seen = encode_image(model, image, 70);
                         heard = encode_audio(model, clip);
                     },
                     [&](bool returned)
                     {
                         if (!returned) { return; }
                         CHECK((seen->runs.at(0)->values == expected_image));
                         CHECK((heard->runs.at(0)->values == expected_sound));
                     },
                     [&]
                     {
                         seen = {};
                         heard = {};
                     });
    CHECK((encode_image(model, image, 70)->runs.at(0)->values == expected_image));
}

TEST_CASE("operator new fails: packing a model")
{
    auto const folder = empty_folder("packing");
    auto const from = open_model(tiny_checkpoint("tiny_e2b"), tiny_e2b::text, tiny_e2b::name);
    auto const pack = [&]
    { pack_model<tiny_e2b>(from, folder / "x.g4", {.weights = weight_precision::int4, .threads = 2}); };
    pack();
    auto const expected = bytes_of(folder / "x.g4");
    std::filesystem::remove(folder / "x.g4");
    fail_allocations([] {}, pack,
                     [&](bool returned)
                     {
                         CHECK(files_in(folder) == (returned ? 1 : 0));
                         if (returned) { CHECK((bytes_of(folder / "x.g4") == expected)); }
                     },
                     [&] { std::filesystem::remove(folder / "x.g4"); });
}

namespace
{
    // Memory of the engine: what is held, and the n-th allocation fails.
    class failing_memory final : public std::pmr::memory_resource
    {
    public:
        long failing = 0;    // 0: none
        long seen = 0;
        std::size_t held = 0;

    private:
        void* do_allocate(std::size_t bytes, std::size_t alignment) override
        {
            if (++seen == failing) { throw std::bad_alloc(); }
            auto* const p = std::pmr::new_delete_resource()->allocate(bytes, alignment);
            held += bytes;
            return p;
        }

        void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override
        {
            held -= bytes;
            std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
        }

        bool do_is_equal(memory_resource const& other) const noexcept override { return this == &other; }
    };
}

TEST_CASE("the engine's memory fails at every allocation: load, media, prompt, decode, fork, save, load")
{
    auto const folder = tiny_checkpoint("tiny_e2b", "towers", {.towers = true});
    auto const file = scratch() / "memory.state";
    auto const image = picture();
    std::vector<token_id> prompt(150);
    for (std::size_t i = 0; i != prompt.size(); ++i) { prompt[i] = token_id(500 + i * 37 % 1400); }
    for (auto const access : {file_access::map, file_access::read})
    {
        failing_memory memory;
        auto options = tiny_options();
        options.memory = &memory;
        options.access = access;
        // Each step is tried again where it has failed, and everything is as if nothing had.
        auto const story = [&]
        {
            std::vector<std::string> told;
            std::size_t failures = 0;
            auto const twice = [&](auto&& step)
            {
                if (returns(step)) { return; }
                ++failures;
                step();
            };
            std::optional<tiny_engine> model;
            twice([&] { model.emplace(tiny_engine::load(folder, options)); });
            medium seen;
            twice([&] { seen = encode_image(*model, image, 70); });
            told.push_back(sentence(checksum(std::as_bytes(std::span(seen->runs.at(0)->values)))));
            using chat_type = session<tiny_engine>;
            std::optional<chat_type> chat, other, third;
            twice([&] { chat.emplace(*model); });
            auto const go_on = [&](chat_type& with, std::size_t more)
            {
                twice(
                    [&]
                    {
                        auto run = with.complete(prompt, {.stop = {.max_tokens = more}});
                        (void)run.rest();
                    });
                std::string ids;
                for (auto const id : with.tokens()) { ids += sentence(id, ' '); }
                told.push_back(ids);
            };
            go_on(*chat, 20);
            twice([&] { other.emplace(*chat); });
            go_on(*chat, 24);
            go_on(*other, 120);    // over the end of a page
            twice([&] { chat->save(file); });
            twice([&] { third.emplace(*model); });
            twice([&] { third->load(file); });
            go_on(*third, 30);
            return std::pair(told, failures);
        };
        auto const [expected, none] = story();
        CHECK(none == 0);
        CHECK(memory.held == 0);
        auto const all = memory.seen;
        for (long n = 1; n <= all; ++n)
        {
            CAPTURE(n);
            memory.failing = n;
            memory.seen = 0;
            auto const [told, failures] = story();
            CHECK(failures == 1);
            CHECK((told == expected));
            CHECK(memory.held == 0);
        }
        MESSAGE(all, " allocations");
    }
}

TEST_CASE("a thread that the system refuses is an error, and nothing is left of the others")
{
    auto const before = allocations.live.load();
    for (long n = 1; n <= 3; ++n)
    {
        arm({"thread", n, EAGAIN});
        std::string said;
        try
        {
            pool const threads(4);
        }
        catch (capacity_error const& e)
        {
            said = e.what();
        }
        disarm();
        CHECK(said == sentence("a pool of 4 threads was asked for, the system gives ", n));
    }
    CHECK(allocations.live.load() == before);
    arm({"thread", 1, EAGAIN});
    auto options = nano_options();
    if (available_cores() > 1) { CHECK_THROWS_AS(load<nano>(nano_folder(), options), capacity_error); }
    disarm();
    CHECK(load<nano>(nano_folder(), options).threads() == std::min<std::size_t>(2, available_cores()));
}
