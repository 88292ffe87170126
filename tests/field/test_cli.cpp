// The program with what people type: every option is used or refused, failures have a status and a sentence.
#include <algorithm>
#include <array>
#include <bit>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gemma4/cli/out_file.hpp>
#include <gemma4/cli/run.hpp>

using namespace gemma4;
using namespace gemma4_test;
using nlohmann::json;
using arguments = std::vector<std::string>;

namespace
{
    program_result gemma(arguments const& given, std::string const& in = {}, bool terminal = false)
    {
        return run_program(given, in, terminal);
    }

    arguments operator+(arguments a, arguments const& b)
    {
        a.insert(a.end(), b.begin(), b.end());
        return a;
    }

    bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

    std::string base() { return tiny_checkpoint("tiny_e2b").string(); }

    std::string chat()
    {
        auto const folder = scratch() / "field-chat";
        if (!std::filesystem::exists(folder))
        {
            std::filesystem::copy(base(), folder);
            std::filesystem::copy_file(data() / ".." / ".." / "models" / "nano" / "chat_template.jinja",
                                       folder / "chat_template.jinja");
        }
        return folder.string();
    }

    std::string written(std::string const& name, std::string const& text)
    {
        auto const path = scratch() / name;
        std::ofstream(path, std::ios::binary) << text;
        return path.string();
    }

    load_options exactly()
    {
        auto options = one_thread();
        options.compute = compute_mode::exact;
        return options;
    }

    std::string tools() { return written("clock.json", R"([{"name": "clock", "description": "The time"}])"); }
    std::string schema() { return written("color.json", R"({"enum": ["red", "green"]})"); }

    // Numbers of a tensor of a checkpoint of float32, changed while this lives.
    class spoiled
    {
    public:
        spoiled(std::filesystem::path const& folder, std::string const& tensor, std::size_t first,
                std::size_t count, float value)
            : m_file(folder / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary)
        {
            std::uint64_t length = 0;
            m_file.read(reinterpret_cast<char*>(&length), 8);
            std::string header(length, ' ');
            m_file.read(header.data(), std::streamsize(length));
            auto const offsets = json::parse(header).at(tensor).at("data_offsets");
            auto const size = (offsets[1].get<std::size_t>() - offsets[0].get<std::size_t>()) / 4;
            first = std::min(first, size - 1);
            m_at = std::streamoff(8 + length + offsets[0].get<std::size_t>() + 4 * first);
            m_before.resize(std::min(count, size - first));
            m_file.seekg(m_at);
            m_file.read(reinterpret_cast<char*>(m_before.data()), std::streamsize(m_before.size() * 4));
            write(std::vector<float>(m_before.size(), value));
            REQUIRE(m_file);
        }
        spoiled(spoiled const&) = delete;
        spoiled& operator=(spoiled const&) = delete;
        ~spoiled() { write(m_before); }

    private:
        void write(std::vector<float> const& values)
        {
            m_file.seekp(m_at);
            m_file.write(reinterpret_cast<char const*>(values.data()), std::streamsize(values.size() * 4));
            m_file.flush();
        }

        std::fstream m_file;
        std::streamoff m_at = 0;
        std::vector<float> m_before;
    };

    // A copy of a tiny checkpoint that may be spoiled.
    std::filesystem::path own_copy(std::string const& variant)
    {
        auto const folder = scratch() / ("spoiled-" + variant);
        if (!std::filesystem::exists(folder)) { std::filesystem::copy(tiny_checkpoint(variant), folder); }
        return folder;
    }

    // Of the layers one of each kind: the first ones, a global one, those around where sharing begins, the
    // last.
    bool is_looked_at(std::string const& tensor)
    {
        auto const at = tensor.find("layers.");
        if (at == tensor.npos) { return true; }
        auto const layer = std::stoul(tensor.substr(at + 7));
        return layer <= 1 || layer == 4 || layer == 9 || layer == 10 || layer == 11 || layer == 14;
    }

    constexpr auto everything = std::numeric_limits<std::size_t>::max();
    constexpr auto inf = std::numeric_limits<float>::infinity();
    constexpr auto not_a_number = std::numeric_limits<float>::quiet_NaN();
}

TEST_CASE("1: weights that are not finite change nothing or are an error, on every path")
{
    struct way
    {
        arguments options;
        std::size_t first, count;
        float value;
    };
    std::vector<way> const ways{
        {{"--compute", "exact"}, 50, 1, not_a_number},
        {{"--compute", "fast", "--weights", "bf16", "--kv", "bf16"}, 50, 1, std::bit_cast<float>(~0u)},
        {{"--compute", "fast"}, 50, 1, inf},
        {{"--compute", "fast", "--weights", "bf16", "--kv", "int8"}, 50, 1, not_a_number},
        {{"--compute", "fast", "--weights", "int8", "--kv", "int8"}, 0, everything, not_a_number},
        {{"--compute", "fast", "--weights", "int4", "--kv", "bf16"}, 0, everything, inf},
    };
    auto const out = (scratch() / "spoiled.npy").string();
    for (std::string const variant : {"tiny_e2b", "tiny_a4b"})
    {
        auto const folder = own_copy(variant);
        auto const command = arguments{"logits",    "--model",  folder.string(),      "--out",
                                       out,         "--tokens", "2,700,51,1200,9,33", "--last",
                                       "--threads", "1"};
        for (auto const& w : ways)
        {
            REQUIRE(gemma(command + w.options).err == "");
            auto const healthy = read_npy(out).floats();
            std::size_t refused = 0;
            for (auto const& t : read_tensor_list(data() / "tiny" / variant / "tensors.json"))
            {
                if (writer_detail::is_tower(t.name) || !is_looked_at(t.name)) { continue; }
                CAPTURE(t.name);
                CAPTURE(w.options.back());
                spoiled const guard(folder, t.name, w.first, w.count, w.value);
                std::filesystem::remove(out);
                auto const r = gemma(command + w.options);
                if (r.status == 0) { CHECK(read_npy(out).floats() == healthy); }
                else
                {
                    ++refused;
                    CHECK(has(r.err, "out of range"));
                    CHECK_FALSE(std::filesystem::exists(out));
                    CHECK_FALSE(std::filesystem::exists(out + ".part"));
                }
            }
            CHECK(refused > 20);
        }
    }
}

TEST_CASE("1: logits that are not finite are an error with the layer or the head in every command")
{
    auto const folder = own_copy("tiny_e2b").string();
    auto const text = written("text.txt", std::string(4000, 'a'));
    std::vector<arguments> const commands{
        {"run", "--prompt", "Hello"},
        {"run", "--prompt", "Hello", "--temperature", "1", "--seed", "1"},
        {"run", "--prompt", "Hello", "--schema", schema()},
        {"generate", "--prompt", "Hello", "--max-tokens", "4"},
        {"generate", "--batch", written("two.jsonl", "\"Hello\"\n\"Bye\"\n"), "--max-tokens", "4"},
        {"logits", "--prompt", "Hello", "--out", (scratch() / "none.npy").string()},
        {"perplexity", "--file", text, "--window", "64", "--kl-save", (scratch() / "none.npy").string()},
        {"bench", "--prompt-tokens", "8", "--new-tokens", "2", "--roof-bytes", "1M", "--repeat", "1"},
    };
    auto const expect = [&](arguments const& command, std::string_view says)
    {
        auto const r = gemma(command + arguments{"--model", folder, "--threads", "1"});
        CAPTURE(command.front());
        CAPTURE(r.err);
        CHECK(r.status == 1);
        CHECK((r.out == "" || r.out == "\""));    // what a schema forces needs no logits
        CHECK(has(r.err, "gemma4: tiny_e2b: the "));
        CHECK(has(r.err, says));
        CHECK_FALSE(std::filesystem::exists(scratch() / "none.npy"));
    };
    {
        spoiled const layer(folder, "model.language_model.layers.3.post_attention_layernorm.weight", 7, 1,
                            not_a_number);
        for (auto const& command : commands) { expect(command, "is not finite after layer 3 of "); }
    }
    {
        spoiled const embedding(folder, "model.language_model.norm.weight", 7, 1, inf);
        for (auto const& command : commands) { expect(command, "is not finite after the final norm"); }
    }
    auto const own_head =
        tiny_checkpoint("tiny_e2b", "own-head", {.towers = false, .lm_head = stored_head::separate});
    auto config = json::parse(std::ifstream(own_head / "config.json"));
    config["tie_word_embeddings"] = false;
    if (config.contains("text_config")) { config["text_config"]["tie_word_embeddings"] = false; }
    std::ofstream(own_head / "config.json") << config.dump();
    // 3e38 * 3e38 is infinite, and so are sums of many: the cap would make 30 of it
    spoiled const head(own_head, "lm_head.weight", 5 * 96, 96, 3e38f);
    for (auto const* const compute : {"exact", "fast"})
    {
        auto const r = gemma({"generate", "--model", own_head.string(), "--tokens", "2,700", "--max-tokens",
                              "4", "--compute", compute});
        CAPTURE(r.err);
        CHECK(r.status == 1);
        CHECK(has(r.err, "the logit of token 5 after position 1 is "));
    }
}

TEST_CASE("5: --load with --system, --think, --tools: they replace what the conversation was held with")
{
    auto const file = (scratch() / "field.state").string();
    auto const run = arguments{"run", "--model", chat(), "--context", "512", "--compute", "exact"};
    auto const greedy = arguments{"--temperature", "0", "--max-tokens", "6"};
    auto const answer = [&](arguments const& more)
    {
        auto const r = gemma(run + more);
        CAPTURE(r.err);
        CHECK(r.status == 0);
        return r.out;
    };
    // one conversation in a chat, all of it held with the options, says the second answer of the right one
    auto const in_one = [&](arguments const& more)
    {
        auto const r = gemma(run + greedy + more, "One\nTwo\n", true);
        CHECK(r.status == 0);
        return r.out;
    };
    auto const first = answer(greedy + arguments{"--prompt", "One", "--save", file});
    auto const plain = answer(greedy + arguments{"--prompt", "Two", "--load", file});
    CHECK(first + plain == in_one({}));
    for (auto const& more : std::vector<arguments>{{"--system", "Answer in Latin, and at length, please."},
                                                   {"--tools", tools()},
                                                   {"--system", "Be brief.", "--tools", tools()}})
    {
        auto const changed =
            gemma(run + greedy + arguments{"--prompt", "Two", "--load", file, "--save", file + "2"} + more);
        CHECK(changed.status == 0);
        // the same as a session whose past is this question and this answer
        auto const model = load_any_of(known_variants(), chat(), exactly());
        cli::run_options options;
        options.tools = more.size() == 4 ? more[3] : more[0] == "--tools" ? more[1] : "";
        if (more[0] == "--system") { options.system = more[1]; }
        auto const plain_session = model->session();
        plain_session->load(file);
        auto past = plain_session->messages();
        if (options.system) { past.insert(past.begin(), chat_message("system", *options.system)); }
        auto const session = model->session(cli::session_options_of(options));
        session->set_messages(turn(past));
        auto few = model->defaults().stop;
        few.max_tokens = 6;
        auto expected = session->ask("Two", {.stop = few}).text;
        if (!expected.ends_with('\n')) { expected += '\n'; }
        CHECK(changed.out == expected);
        CHECK(changed.out != plain);
        // and that is what is kept
        auto const kept = model->session();
        kept->load(file + "2");
        CHECK(kept->options().system == options.system.value_or(""));
        CHECK(kept->options().tools.size() == std::size_t(!options.tools.empty()));
    }
    // a thought that is asked for comes; the options of the file hold where none are given
    answer(greedy
           + arguments{"--prompt", "Two", "--load", file, "--think", "--thinking-budget", "1", "--save",
                       file + "3"});
    auto const model = load_any_of(known_variants(), chat(), exactly());
    auto const kept = model->session();
    kept->load(file + "3");
    CHECK(kept->options().thinking);
    answer(greedy + arguments{"--prompt", "Three", "--load", file + "3", "--save", file + "4"});
    kept->load(file + "4");
    CHECK(kept->options().thinking);
    // schema and sampling
    auto const color = answer({"--temperature", "0", "--prompt", "Two", "--load", file, "--schema", schema(),
                               "--max-tokens", "60"});
    CHECK((color == "\"red\"\n" || color == "\"green\"\n"));
    CHECK(
        answer({"--prompt", "Two", "--load", file, "--temperature", "9", "--seed", "5", "--max-tokens", "6"})
        != plain);
}

TEST_CASE("5: options that have nothing to work on are refused, with a sentence that names them")
{
    auto const run_chat = arguments{"run", "--model", chat(), "--prompt", "a", "--max-tokens", "1"};
    auto const run_base = arguments{"run", "--model", base(), "--prompt", "a", "--max-tokens", "1"};
    auto const generate = arguments{"generate", "--model", base(), "--tokens", "2", "--max-tokens", "1"};
    auto const image = written("not-read.png", "");
    auto const out = (scratch() / "refused.npy").string();
    auto const bench = arguments{"bench", "--variant", "tiny_e2b", "--repeat", "1", "--roof-bytes", "1M"};
    auto const packed = (scratch() / "field.g4").string();
    REQUIRE(gemma({"pack", "--model", base(), "--weights", "int4", "--out", packed}).status == 0);
    struct wrong
    {
        arguments given;
        int status;
        std::string says;
    };
    std::vector<wrong> const all{
        {run_base + arguments{"--system", "x"}, 1, "--system"},
        {run_base + arguments{"--think"}, 1, "--think"},
        {run_base + arguments{"--thinking-budget", "3"}, 1, "--thinking-budget"},
        {run_base + arguments{"--tools", tools()}, 1, "--tools"},
        {run_base + arguments{"--save", out}, 1, "--save"},
        {run_base + arguments{"--load", out}, 1, "--load"},
        {run_chat + arguments{"--tools", tools(), "--schema", schema()}, 2, "--tools"},
        {run_chat + arguments{"--max-tokens=0"}, 2, "--max-tokens"},
        {{"run", "--model", chat(), "--prompt", "a", "--max-tokens", "0"}, 2, "--max-tokens is 0"},
        {run_chat + arguments{"--image-budget", "70"}, 2, "--image-budget"},
        {run_chat + arguments{"--video-budget", "70"}, 2, "--video-budget"},
        {run_chat + arguments{"--video-budget", "70", "--image", image}, 2, "--video-budget"},
        {generate + arguments{"--image-budget", "70"}, 2, "--image-budget"},
        {{"logits", "--model", base(), "--tokens", "2", "--out", out, "--image-budget", "70"},
         2,
         "--image-budget"},
        {{"encode", "--model", base(), "--audio", image, "--out", out, "--image-budget", "70"},
         2,
         "--image-budget"},
        {run_chat + arguments{"--load", ""}, 2, "--load is empty"},
        {run_chat + arguments{"--schema", ""}, 2, "--schema is empty"},
        {{"render", "--model", ""}, 2, "--model is empty"},
        {run_chat + arguments{"--mmproj", image}, 1, "goes with a GGUF file only"},
        {run_chat + arguments{"--compute", "exact", "--kv", "int8"}, 1, "keys and values"},
        {run_chat + arguments{"--compute", "exact", "--weights", "int4"}, 1, "weights as they are stored"},
        {{"run", "--model", packed, "--prompt", "a", "--weights", "int8"}, 1, "is packed as "},
        {{"pack", "--model", packed, "--weights", "int8", "--out", out}, 1, "is packed as "},
        {bench + arguments{"--mmproj", image}, 2, "--mmproj"},
        {bench + arguments{"--strict"}, 2, "--strict"},
        {bench + arguments{"--no-mmap"}, 2, "--no-mmap"},
        {run_chat + arguments{"--template", ""}, 2, "--template is empty"},
        {{"bench", "--model", base(), "--random", "f32"}, 2, "--random"},
        {bench + arguments{"--chunk", "2", "--batch", "3"}, 2, "--chunk is 2"},
        {bench + arguments{"--roof-bytes=0"}, 2, "--roof-bytes"},
        {{"bench", "--variant", "tiny_e2b", "--roof-bytes", "0"}, 2, "--roof-bytes is 0"},
    };
    for (auto const& one : all)
    {
        std::string shown;
        for (auto const& a : one.given) { shown += a + " "; }
        CAPTURE(shown);
        auto const r = gemma(one.given);
        CAPTURE(r.err);
        CHECK(r.status == one.status);
        CHECK(r.out == "");
        CHECK(has(r.err, one.says));
        CHECK(r.err.starts_with("gemma4: "));
    }
    for (auto const* const option : {"--prompt-tokens", "--new-tokens", "--depth", "--batch", "--roof-bytes",
                                     "--chunk", "--context", "--max-memory"})
    {
        auto const r = gemma({"bench", "--variant", "tiny_e2b", "--media", "image:70", option, "1"});
        CHECK(r.status == 2);
        CHECK(has(r.err, option));
    }
    // commands of a chat on a base model
    auto const chatting =
        gemma({"run", "--model", base(), "--max-tokens", "1"}, "/system Be brief.\n/save x\n/load x\n", true);
    CHECK(chatting.status == 0);
    for (auto const* const command : {"/system", "/save", "/load"})
    {
        CHECK(has(chatting.err, std::string(command) + " is for chats"));
    }
    // a stop that no file names
    auto const bare = scratch() / "field-bare";
    std::filesystem::copy(base(), bare);
    std::filesystem::remove(bare / "tokenizer.json");
    std::filesystem::remove(bare / "generation_config.json");
    nlohmann::json config;
    std::ifstream(bare / "config.json") >> config;
    config.erase("eos_token_id");
    config["text_config"].erase("eos_token_id");
    std::ofstream(bare / "config.json") << config;
    auto const stop =
        gemma({"generate", "--model", bare.string(), "--tokens", "2", "--max-tokens", "1", "--stop"});
    CHECK(stop.status == 1);
    CHECK(has(stop.err, "--stop"));
    auto const seed = gemma(run_chat + arguments{"--temperature", "0", "--seed", "3"});
    CHECK(seed.status == 0);
    CHECK(has(seed.err, "--seed changes nothing"));
}

TEST_CASE("13: tokenize and detokenize go on after a bad line, as render and parse do")
{
    for (auto const& [command, good, bad] :
         std::vector<std::array<std::string, 3>>{{"tokenize", "\"a\"", "Hello"},
                                                 {"tokenize", "\"a\"", "7"},
                                                 {"detokenize", R"({"ids":[2]})", "[2]"},
                                                 {"detokenize", R"({"ids":[2]})", R"({"ids":[-1]})"}})
    {
        CAPTURE(bad);
        auto const r = gemma({command, "--model", base()}, good + "\n" + bad + "\n\n" + good + "\n");
        CHECK(r.status == 0);
        CHECK(r.err == "");
        std::istringstream lines(r.out);
        std::string one, two, three, four;
        std::getline(lines, one);
        std::getline(lines, two);
        std::getline(lines, three);
        CHECK_FALSE(std::getline(lines, four));
        CHECK(one == three);
        CHECK(json::parse(two).at("error").get<std::string>().starts_with("line 2"));
        // the form is that of parse
        auto const parsed = gemma({"parse"}, "7\n");
        CHECK(parsed.status == 0);
        CHECK(parsed.out.substr(0, 11) == two.substr(0, 11));
    }
}

TEST_CASE("13: -1 is random, off or no limit, as for llama.cpp; other negative numbers are refused")
{
    auto const run = arguments{"run", "--model", base(), "--prompt", "Hello", "--temperature", "5"};
    auto const short_run = run + arguments{"--max-tokens", "16"};
    CHECK(gemma(short_run + arguments{"--seed", "-1"}).out
          != gemma(short_run + arguments{"--seed", "-1"}).out);
    auto const seeded = short_run + arguments{"--seed", "4"};
    auto const all = gemma(seeded);
    CHECK(all.status == 0);
    CHECK(gemma(seeded + arguments{"--top-k", "-1"}).out == all.out);
    CHECK(gemma(seeded + arguments{"--top-k", "0"}).out == all.out);
    CHECK(gemma(seeded + arguments{"--top-k", "2"}).out != all.out);
    // over the checkpoint's own limit and top_k
    auto const limited = scratch() / "field-limited";
    std::filesystem::copy(base(), limited);
    std::ofstream(limited / "generation_config.json")
        << R"({"max_new_tokens": 3, "do_sample": true, "top_k": 1})";
    auto const with = [&](arguments const& more)
    {
        return gemma(arguments{"run", "--model", limited.string(), "--prompt", "Hello", "--context", "40"}
                     + more);
    };
    CHECK(has(with({}).err, "max_tokens after 3 new tokens"));
    CHECK(has(with({"--max-tokens", "-1"}).err, "context_full after "));
    CHECK(with({"--temperature", "5", "--seed", "1"}).out == with({"--temperature", "0"}).out);
    CHECK(with({"--temperature", "5", "--seed", "1", "--top-k", "-1"}).out
          != with({"--temperature", "0"}).out);

    auto const filled =
        gemma({"generate", "--model", base(), "--tokens", "2,3,4", "--max-tokens", "-1", "--context", "10"});
    CHECK(filled.status == 0);
    CHECK(json::parse(filled.out).size() == 8);
    CHECK(has(filled.err, "the context is full after 8 new tokens"));
    CHECK(gemma({"generate", "--model", base(), "--tokens", "2,3,4", "--max-tokens", "8", "--context", "10"})
              .out
          == filled.out);

    for (auto const* const option :
         {"--seed", "--top-k", "--max-tokens", "--thinking-budget", "--context", "--threads", "--chunk",
          "--max-memory", "--temperature", "--top-p", "--min-p"})
    {
        CAPTURE(option);
        auto const r = gemma({"run", "--model", chat(), "--prompt", "a", option, "-2"});
        CHECK(r.status != 0);
        CHECK(r.out == "");
        CHECK(has(r.err, "-2"));
    }
}

TEST_CASE("a full disk behind standard output is an error of every command that prints")
{
    auto const text = written("text.txt", std::string(4000, 'a'));
    for (auto const& [given, in] : std::vector<std::pair<arguments, std::string>>{
             {{"--help"}, ""},
             {{"run", "--help"}, ""},
             {{"info", "--model", base()}, ""},
             {{"info", "--json", "--model", base()}, ""},
             {{"run", "--model", base(), "--prompt", "Hello", "--max-tokens", "100"}, ""},
             {{"run", "--model", chat(), "--prompt", "Hello", "--max-tokens", "100"}, ""},
             {{"tokenize", "--model", base()}, "\"a\"\n\"b\"\n"},
             {{"detokenize", "--model", base()}, "{\"ids\": [2]}\n"},
             {{"render", "--model", chat()}, R"({"messages": [{"role": "user", "content": "Hi"}]})"},
             {{"parse"}, R"({"chunks": ["a"]})"},
             {{"generate", "--model", base(), "--tokens", "2", "--max-tokens", "4"}, ""},
             {{"perplexity", "--model", base(), "--file", text, "--window", "64", "--windows", "1"}, ""},
             {{"bench", "--variant", "tiny_e2b", "--prompt-tokens", "4", "--new-tokens", "1", "--repeat", "1",
               "--roof-bytes", "1M"},
              ""},
             {{"bench", "--variant", "tiny_e2b", "--media", "image:70", "--repeat", "1"}, ""}})
    {
        CAPTURE(given.front());
        std::ofstream full("/dev/full", std::ios::binary);
        REQUIRE(full);
        std::istringstream input(in);
        std::ostringstream err;
        CHECK(run_program(input, full, err, given) == 1);
        CAPTURE(err.str());
        CHECK(has(err.str(), "written"));
    }
    // a chat ends
    std::ofstream full("/dev/full", std::ios::binary);
    std::istringstream input("Hello\nHello\nHello\n");
    std::ostringstream err;
    CHECK(run_program(input, full, err, {"run", "--model", chat(), "--max-tokens", "2"}, true) == 1);
    CHECK(has(err.str(), "standard output cannot be written: No space left on device"));
    auto const printed = err.str();
    CHECK(std::count(printed.begin(), printed.end(), '>') == 1);
}

TEST_CASE("files that cannot be written or read: a status, a sentence that names them, and nothing left")
{
    namespace fs = std::filesystem;
    auto const text = written("text.txt", std::string(4000, 'a'));
    auto const file_as_folder = text + "/x.npy";
    auto const nowhere = (scratch() / "no" / "x.npy").string();
    auto const folder = scratch().string();
    std::vector<arguments> const writers{
        {"logits", "--model", base(), "--tokens", "2,3,4", "--out"},
        {"perplexity", "--model", base(), "--file", text, "--window", "64", "--kl-save"},
        {"pack", "--model", base(), "--out"},
        {"run", "--model", chat(), "--prompt", "a", "--max-tokens", "1", "--save"},
    };
    auto const count = [&]
    { return std::distance(fs::directory_iterator(folder), fs::directory_iterator()); };
    for (auto const& writer : writers)
    {
        CAPTURE(writer.front());
        for (auto const& path :
             {file_as_folder, nowhere, folder, std::string("/dev/full"), std::string("/dev/null")})
        {
            CAPTURE(path);
            auto const before = count();
            auto const r = gemma(writer + arguments{path});
            CAPTURE(r.err);
            CHECK(r.status == 1);
            CHECK(r.out == "");
            CHECK(r.err.starts_with("gemma4: " + path));
            CHECK(count() == before);
        }
        // a disk that is full after 4096 bytes
        auto const out = (scratch() / "cut.out").string();
        auto const before = count();
        rlimit limit{};
        getrlimit(RLIMIT_FSIZE, &limit);
        rlimit const small{4096, limit.rlim_max};
        auto const handler = std::signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &small);
        auto const r = gemma(writer + arguments{out});
        setrlimit(RLIMIT_FSIZE, &limit);
        std::signal(SIGXFSZ, handler);
        CAPTURE(r.err);
        CHECK(r.status == 1);
        CHECK(has(r.err, out));
        CHECK(count() == before);
    }
    CHECK(fs::is_character_file("/dev/full"));
    CHECK(fs::is_character_file("/dev/null"));

    for (auto const& [given, path] : std::vector<std::pair<arguments, std::string>>{
             {{"generate", "--model", base(), "--max-tokens", "1", "--batch", nowhere}, nowhere},
             {{"generate", "--model", base(), "--max-tokens", "1", "--batch", folder}, folder},
             {{"perplexity", "--model", base(), "--file", nowhere}, nowhere},
             {{"perplexity", "--model", base(), "--file", folder}, folder},
             {{"perplexity", "--model", base(), "--file", text, "--kl-from", nowhere}, nowhere},
             {{"run", "--model", chat(), "--prompt", "a", "--tools", folder}, folder},
             {{"run", "--model", chat(), "--prompt", "a", "--schema", nowhere}, nowhere},
             {{"run", "--model", chat(), "--prompt", "a", "--load", nowhere}, nowhere},
             {{"run", "--model", chat(), "--prompt", "a", "--load", text}, text},
             {{"run", "--model", nowhere, "--prompt", "a"}, nowhere},
             {{"encode", "--model", nowhere, "--image", "a.png", "--out", folder + "/x"}, nowhere},
             {{"pack", "--model", nowhere, "--out", folder + "/x"}, nowhere},
             {{"render", "--model", nowhere}, nowhere}})
    {
        CAPTURE(given.front());
        CAPTURE(path);
        auto const r = gemma(given, R"({"messages": []})");
        CAPTURE(r.err);
        CHECK(r.status == 1);
        CHECK(r.out == "");
        CHECK(has(r.err, path));
        CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
    }
    // standard input that is a folder
    std::ifstream unreadable(folder, std::ios::binary);
    for (auto const& given : {arguments{"run", "--model", base()}, arguments{"tokenize", "--model", base()}})
    {
        std::ostringstream out, err;
        CHECK(run_program(unreadable, out, err, given) == 1);
        CHECK(has(err.str(), "standard input"));
        unreadable.clear();
    }
}

TEST_CASE("Ctrl-C and other requests to end leave no half file, and end the program as they always do")
{
    auto const out = scratch() / "interrupted.npy";
    for (auto const signal : {SIGINT, SIGTERM, SIGHUP})
    {
        CAPTURE(signal);
        auto const child = ::fork();
        if (child == 0)
        {
            // as gemma4 logits has it
            cli::unfinished_file const guard(out);
            npy_writer file(out, 4);
            ::kill(::getpid(), signal);
            ::sleep(20);
            ::_exit(7);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == signal);
        CHECK_FALSE(std::filesystem::exists(out));
        CHECK(std::ranges::none_of(std::filesystem::directory_iterator(scratch()),
                                   [](auto const& f) { return f.path().string().ends_with(".part"); }));
    }
}

TEST_CASE("8: warnings can be read from what was loaded, without a log")
{
    auto const folder = tiny_checkpoint("tiny_e2b", "unknown",
                                        {.towers = false, .extra = {{"model.unknown.weight", {3, 5}}}});
    std::vector<std::string> logged;
    auto options = one_thread();
    options.log = [&](std::string_view warning) { logged.emplace_back(warning); };
    auto const known = known_variants();
    auto const loud = load_any_of(known, folder, options);
    auto const silent = load_any_of(known, folder, one_thread());
    REQUIRE(silent->warnings().size() == 1);
    CHECK(has(silent->warnings()[0], "model.unknown.weight"));
    CHECK(std::vector(loud->warnings().begin(), loud->warnings().end()) == logged);
    CHECK(load_any_of(known, base(), one_thread())->warnings().empty());

    auto strict = one_thread();
    strict.strict = true;
    CHECK_THROWS_WITH_AS(load_any_of(known, folder, strict), doctest::Contains("model.unknown.weight"),
                         mismatch_error);

    // what is said of tools
    auto const talking = load_any_of(known, chat(), one_thread());
    auto const declaration = read_json_value(
        R"({"type": "function", "function": {"name": "f", "description": "", "parameters":
            {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)y"}}}}})",
        "tool");
    auto const session = talking->session(session_options{.tools = {{"f", declaration, {}}}});
    REQUIRE(!session->warnings().empty());
    session->set_options({});
    CHECK(session->warnings().empty());
}
