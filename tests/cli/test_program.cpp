#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "support/program.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

using namespace gemma4;
using namespace gemma4_test;
using nlohmann::json;

namespace
{
    std::string e2b_folder() { return tiny_checkpoint("tiny_e2b").string(); }

    bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

    std::string list(std::vector<token_id> const& ids)
    {
        std::string text;
        for (auto const id : ids) { text += (text.empty() ? "" : ",") + std::to_string(id); }
        return text;
    }

    // A checkpoint with a chat template, made from the one without.
    std::string chat_folder()
    {
        auto const folder = scratch() / "tiny_e2b-chat";
        if (!std::filesystem::exists(folder))
        {
            std::filesystem::copy(e2b_folder(), folder);
            std::filesystem::copy_file(data() / ".." / ".." / "models" / "nano" / "chat_template.jinja",
                                       folder / "chat_template.jinja");
        }
        return folder.string();
    }

    std::size_t lines(std::string const& text)
    {
        return std::size_t(std::count(text.begin(), text.end(), '\n'));
    }
}

TEST_CASE("help of the program and of every command is on stdout, with status 0")
{
    auto const all = run_program({"--help"});
    CHECK(all.status == 0);
    CHECK(all.err == "");
    CHECK(has(all.out, "tiny_e2b, tiny_a4b"));
    for (std::string const command : {"info", "run", "tokenize", "detokenize", "logits", "generate", "bench"})
    {
        CAPTURE(command);
        CHECK(has(all.out, command));
        auto const one = run_program({command, "--help"});
        CHECK(one.status == 0);
        CHECK(one.err == "");
        CHECK(has(one.out, "--model"));
    }
}

TEST_CASE("wrong usage has status 2 and a sentence on stderr only")
{
    std::vector<std::vector<std::string>> const wrong{
        {},
        {"frobnicate"},
        {"info"},
        {"info", "--model", e2b_folder(), "--frobnicate"},
        {"info", "--model", e2b_folder(), "--max-memory", "12Q"},
        {"info", "--model", e2b_folder(), "--context", "many"},
        {"run", "--model", e2b_folder(), "--prompt", "a", "--seed", "-2"},
        {"run", "--model", e2b_folder(), "--prompt", "a", "--max-tokens", "0x10"},
        {"run", "--model", e2b_folder(), "--prompt", "a", "--temperature", "hot"},
        {"logits", "--model", e2b_folder(), "--out", "x.npy"},
        {"logits", "--model", e2b_folder(), "--tokens", "2", "--prompt", "a", "--out", "x.npy"},
        {"logits", "--model", e2b_folder(), "--tokens", "2"},
        {"generate", "--model", e2b_folder(), "--max-tokens", "4"},
        {"generate", "--model", e2b_folder(), "--tokens", "2"},
        {"bench", "--prompt-tokens", "4"},
        {"bench", "--variant", "tiny_e2b", "--model", e2b_folder()},
        {"bench", "--variant", "e9000"},
        {"bench", "--variant", "tiny_e2b", "--random", "int3"},
        {"bench", "--variant", "tiny_e2b", "--batch", "0"},
    };
    for (auto const& arguments : wrong)
    {
        std::string shown;
        for (auto const& a : arguments) { shown += a + " "; }
        CAPTURE(shown);
        auto const r = run_program(arguments);
        CHECK(r.status == 2);
        CHECK(r.out == "");
        CHECK(r.err.starts_with("gemma4: "));
    }
}

TEST_CASE("failures have status 1 and one sentence that names the file")
{
    auto const nowhere = (scratch() / "nowhere").string();
    for (std::string const command : {"info", "run", "tokenize", "detokenize", "bench"})
    {
        auto const r = run_program({command, "--model", nowhere}, "\"a\"\n");
        CAPTURE(command);
        CHECK(r.status == 1);
        CHECK(r.out == "");
        CHECK(r.err.starts_with("gemma4: " + nowhere));
        CHECK(lines(r.err) == 1);
    }

    // a model that is not compiled in
    auto const other = run_program({"info", "--model", (data() / "tiny" / "tiny_d31b").string()});
    CHECK(other.status == 1);
    CHECK(has(other.err, "none of the variants compiled in: tiny_e2b, tiny_a4b"));
}

TEST_CASE("info describes the checkpoint")
{
    auto const r =
        run_program({"info", "--model", e2b_folder(), "--json", "--context", "300", "--threads", "1"});
    REQUIRE(r.status == 0);
    CHECK(r.err == "");
    CHECK(lines(r.out) == 1);
    auto const all = json::parse(r.out);
    CHECK(all["variant"] == "tiny_e2b");
    CHECK(all["text"]["hidden"] == 96);
    CHECK(all["threads"] == 1);
    CHECK(all["is_chat"] == false);
    CHECK(all["chat_template"]["name"] == nullptr);
    CHECK(all["chat_template"]["source"] == nullptr);
    CHECK(has(all["chat_template"]["reason"], "there is no chat template"));
    CHECK(all["unknown_tensors"] == json::array());

    // every tensor of the list that the reference wrote, by name, dtype and shape
    std::map<std::string, shape_type> expected;
    for (auto const& t : read_tensor_list(data() / "tiny" / "tiny_e2b" / "tensors.json"))
    {
        if (!writer_detail::is_tower(t.name)) { expected[t.name] = t.shape; }
    }
    CHECK(all["tensors"].size() == expected.size());
    std::size_t bytes = 0;
    for (auto const& t : all["tensors"])
    {
        CAPTURE(t.dump());
        CHECK(t["dtype"] == "F32");
        CHECK(t["shape"].get<shape_type>() == expected.at(t["name"]));
        bytes += t["bytes"].get<std::size_t>();
    }
    auto const& memory = all["memory"];
    CHECK(memory["context"] == 300);
    CHECK(memory["weights_mapped"] <= bytes);
    CHECK(memory["now"] < memory["full"]);
    CHECK(memory["full"]
          == memory["weights_mapped"].get<std::size_t>() + memory["weights_converted"].get<std::size_t>()
                 + memory["caches_full"].get<std::size_t>() + memory["scratch"].get<std::size_t>());

    auto const text = run_program({"info", "--model", e2b_folder()});
    CHECK(text.status == 0);
    CHECK(has(text.out, "tiny_e2b, a base model"));
    for (auto const& [name, shape] : expected) { CHECK(has(text.out, name)); }
}

TEST_CASE("a cap on memory names the largest context that fits, and that one fits")
{
    auto const info = [](std::string const& context, std::size_t cap)
    {
        return run_program({"info", "--json", "--model", e2b_folder(), "--context", context, "--max-memory",
                            std::to_string(cap), "--threads", "1"});
    };
    auto const small = json::parse(info("256", 0).out)["memory"]["full"].get<std::size_t>();
    auto const refused = info("4096", small);
    CHECK(refused.status == 1);
    CHECK(refused.out == "");
    std::string const mark = "the largest context that fits is ";
    REQUIRE(has(refused.err, mark));
    auto const fits = std::stoul(refused.err.substr(refused.err.find(mark) + mark.size()));
    CHECK(fits >= 256);
    CHECK(info(std::to_string(fits), small).status == 0);
    CHECK(info(std::to_string(fits + 1), small).status == 1);
    CHECK(run_program({"run", "--prompt", "a", "--model", e2b_folder(), "--max-memory", "1K"}).status == 1);
}

TEST_CASE("an unknown tensor is a warning and a row of info, and an error with --strict")
{
    auto const folder =
        tiny_checkpoint("tiny_e2b", "unknown", {.towers = false, .extra = {{"model.unknown.weight", {3, 5}}}})
            .string();
    auto const r = run_program({"info", "--json", "--model", folder});
    CHECK(r.status == 0);
    CHECK(r.err.starts_with("gemma4: warning: "));
    CHECK(has(r.err, "model.unknown.weight"));
    CHECK(json::parse(r.out)["unknown_tensors"] == json{"model.unknown.weight"});
    auto const strict = run_program({"info", "--json", "--model", folder, "--strict"});
    CHECK(strict.status == 1);
    CHECK(has(strict.err, "model.unknown.weight"));
}

TEST_CASE("tokenize and detokenize go there and back")
{
    std::vector<std::string> const texts{
        "", "Hello world", "  two\nlines ", "\xc3\xa9\xf0\x9f\x99\x82", "a<|turn>b", "\"quoted\"\t"};
    std::string in;
    for (auto const& t : texts) { in += json(t).dump() + "\n"; }
    auto const ids = run_program({"tokenize", "--model", e2b_folder()}, in);
    REQUIRE(ids.status == 0);
    CHECK(lines(ids.out) == texts.size());
    auto const with_bos = run_program({"tokenize", "--bos", "--model", e2b_folder()}, in + "\"<bos>x\"\n");

    std::istringstream each(ids.out), each_bos(with_bos.out);
    std::string back;
    for (std::string line, bos_line; std::getline(each, line);)
    {
        std::getline(each_bos, bos_line);
        auto expected = json::parse(line);
        back += json{{"ids", expected}, {"skip_special_tokens", false}}.dump() + "\n";
        expected.insert(expected.begin(), 2);
        CHECK(json::parse(bos_line) == expected);
    }
    std::string last;
    std::getline(each_bos, last);
    auto const last_ids = json::parse(last);
    CHECK(last_ids[0] == 2);
    CHECK(last_ids[1] != 2);

    auto const again = run_program({"detokenize", "--model", e2b_folder()}, back);
    REQUIRE(again.status == 0);
    std::istringstream words(again.out);
    for (auto const& t : texts)
    {
        std::string line;
        std::getline(words, line);
        CHECK(json::parse(line).get<std::string>() == t);
    }
    CHECK(
        run_program({"detokenize", "--model", e2b_folder()}, R"({"ids":[2],"skip_special_tokens":true})").out
        == "\"\"\n");
    CHECK(run_program({"detokenize", "--model", e2b_folder()}, R"({"ids":[2]})").out == "\"<bos>\"\n");
}

TEST_CASE("tokenize needs tokenizer files only")
{
    auto const folder = scratch() / "tokenizer-only";
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(data() / "tiny" / "tokenizer.json", folder / "tokenizer.json",
                               std::filesystem::copy_options::overwrite_existing);
    auto const r = run_program({"tokenize", "--model", folder.string()}, "\"<bos>\"");
    CHECK(r.status == 0);
    CHECK(r.out == "[2]\n");
}

TEST_CASE("a bad line is an error named by its number, between the good ones' answers")
{
    auto const bad = [](std::string const& command, std::string const& line, std::string_view good)
    {
        CAPTURE(line);
        auto const r = run_program({command, "--model", e2b_folder()},
                                   std::string(good) + "\n" + line + "\n" + std::string(good) + "\n");
        CHECK(r.status == 0);
        CHECK(r.err == "");
        CHECK(lines(r.out) == 3);
        std::istringstream each(r.out);
        std::string first, second, third;
        std::getline(each, first);
        std::getline(each, second);
        std::getline(each, third);
        CHECK(third == first);
        CHECK(json::parse(second).at("error").get<std::string>().starts_with("line 2"));
    };
    for (auto const* line :
         {"Hello", "\"open", "7", "[\"a\"]", "{\"a\":1}", "\"\\ud800\"", "\"\xff\"", "\"a\" \"b\""})
    {
        bad("tokenize", line, "\"a\"");
    }
    for (auto const* line :
         {"[2]", "{}", R"({"ids":2})", R"({"ids":[-1]})", R"({"ids":[2.5]})", R"({"ids":[99999999999]})",
          R"({"ids":["2"]})", R"({"ids":[2],"skip_special_tokens":3})"})
    {
        bad("detokenize", line, R"({"ids":[2]})");
    }
}

TEST_CASE("logits equal the reference's, however the prompt is cut")
{
    for (std::string const variant : {"tiny_e2b", "tiny_a4b"})
    {
        CAPTURE(variant);
        golden const g(variant);
        auto const tokens = g.tokens();
        auto const folder = tiny_checkpoint(variant);
        // a checkpoint without a tokenizer
        auto const bare = scratch() / (variant + "-bare");
        if (!std::filesystem::exists(bare))
        {
            std::filesystem::copy(folder, bare);
            std::filesystem::remove(bare / "tokenizer.json");
        }
        auto const out = (scratch() / "logits.npy").string();
        auto const run = [&](std::vector<std::string> more)
        {
            more.insert(more.begin(),
                        {"logits", "--model", bare.string(), "--tokens", list(tokens), "--out", out});
            auto const r = run_program(more);
            REQUIRE(r.err == "");
            REQUIRE(r.status == 0);
            CHECK(r.out == "");
            return read_npy(out);
        };
        auto const whole = run({});
        REQUIRE(whole.shape == std::vector<std::size_t>{tokens.size(), 2048});
        double largest = 0;
        for (auto const x : whole.floats()) { largest = std::max(largest, std::abs(double(x))); }

        // the reference's largest logit of each row, where it is, and every 8th column
        auto const best = g.integers("row_argmax");
        auto const most = g.floats("row_max");
        REQUIRE(best.size() == tokens.size());
        double worst = 0;
        for (std::size_t row = 0; row != tokens.size(); ++row)
        {
            auto const value = whole.floats()[row * 2048 + std::size_t(best[row])];
            worst = std::max(worst, std::abs(double(value) - double(most[row])));
        }
        CHECK(worst <= 2e-5 * largest);

        CHECK(run({"--chunk", "1"}).floats() == whole.floats());
        CHECK(run({"--chunk", "7", "--threads", "3"}).floats() == whole.floats());
        auto const last = run({"--last", "--chunk", "16"});
        CHECK(last.shape == std::vector<std::size_t>{1, 2048});
        CHECK(last.floats() == std::vector<float>(whole.floats().end() - 2048, whole.floats().end()));
    }
}

TEST_CASE("logits of text have bos in front, once")
{
    auto const out = (scratch() / "text.npy").string();
    auto const rows = [&](std::string const& text)
    {
        auto const r = run_program({"logits", "--model", e2b_folder(), "--prompt", text, "--out", out});
        REQUIRE(r.err == "");
        return read_npy(out);
    };
    auto const ids =
        json::parse(run_program({"tokenize", "--bos", "--model", e2b_folder()}, "\"Hello [a,b]\"").out);
    auto const text = rows("Hello [a,b]");
    CHECK(text.shape[0] == ids.size());
    CHECK(rows("<bos>Hello [a,b]").floats() == text.floats());
    CHECK(rows("").shape[0] == 1);
}

TEST_CASE("logits refuses what it cannot run, and leaves no file")
{
    auto const out = (scratch() / "refused.npy").string();
    std::vector<std::pair<std::vector<std::string>, std::string>> const cases{
        {{"--tokens", "2,2048"}, "token 1 is 2048"},
        {{"--tokens", "2,-3"}, "--tokens: entry 1"},
        {{"--tokens", "2,,3"}, "--tokens: entry 1"},
        {{"--tokens", "2;3"}, "--tokens: entry 0"},
        {{"--tokens", ""}, "--tokens: entry 0"},
        {{"--tokens", "2,3,4", "--context", "2"}, "3 positions are needed"},
        {{"--tokens", "2", "--context", "5000"}, "4096"},
        {{"--tokens", "2", "--chunk", "0"}, "chunk is 0"},
    };
    for (auto const& [more, sentence] : cases)
    {
        auto arguments = more;
        arguments.insert(arguments.begin(), {"logits", "--model", e2b_folder(), "--out", out});
        auto const r = run_program(arguments);
        CAPTURE(r.err);
        CHECK(r.status == 1);
        CHECK(has(r.err, sentence));
        CHECK(!std::filesystem::exists(out));
        CHECK(!std::filesystem::exists(out + ".part"));
    }
    auto const nowhere = (scratch() / "no" / "folder.npy").string();
    auto const r = run_program({"logits", "--model", e2b_folder(), "--tokens", "2", "--out", nowhere});
    CHECK(r.status == 1);
    CHECK(has(r.err, nowhere));
}

TEST_CASE("generate continues as the reference does, alone and in a batch")
{
    for (std::string const variant : {"tiny_e2b", "tiny_a4b"})
    {
        CAPTURE(variant);
        auto const folder = tiny_checkpoint(variant).string();
        std::string jsonl, expected;
        for (auto const& one : golden(variant).json("greedy"))
        {
            auto const prompt = one["prompt"].get<std::vector<token_id>>();
            auto const line = one["new_tokens"].dump() + "\n";
            auto const count = std::to_string(one["new_tokens"].size());
            auto const alone =
                run_program({"generate", "--model", folder, "--tokens", list(prompt), "--max-tokens", count});
            CHECK(alone.status == 0);
            CHECK(alone.err == "");
            CHECK(alone.out == line);
            jsonl += json{{"tokens", prompt}}.dump() + "\n" + json(prompt).dump() + "\n";
            expected += line + line;
        }
        auto const file = scratch() / "prompts.jsonl";
        std::ofstream(file) << jsonl;
        auto const together = run_program(
            {"generate", "--model", folder, "--batch", file.string(), "--max-tokens", "64", "--chunk", "5"});
        CHECK(together.status == 0);
        CHECK(together.out == expected);
    }
}

TEST_CASE("generate: text prompts, more of them than run together, stops and the end of the context")
{
    auto const one = [](std::vector<std::string> more)
    {
        more.insert(more.begin(), {"generate", "--model", e2b_folder()});
        return run_program(more);
    };
    auto const hello = one({"--prompt", "Hello", "--max-tokens", "5"}).out;
    CHECK(json::parse(hello).size() == 5);
    auto const file = (scratch() / "many.jsonl").string();
    {
        std::ofstream out(file);
        for (int i = 0; i != 20; ++i)
        {
            out << (i % 2 ? "\"Hello\"\n" : "{\"prompt\": \"<bos>Hello\", \"id\": 7}\n");
        }
    }
    auto const many = one({"--batch", file, "--max-tokens", "5"});
    CHECK(many.status == 0);
    std::string expected;
    for (int i = 0; i != 20; ++i) { expected += hello; }
    CHECK(many.out == expected);

    CHECK(one({"--tokens", "2", "--max-tokens", "0"}).out == "[]\n");
    auto const full = one({"--tokens", "2,3,4", "--max-tokens", "9", "--context", "10"});
    CHECK(full.status == 1);
    CHECK(full.out == "");
    CHECK(has(full.err, "11 positions are needed, but the context holds 10"));
    CHECK(json::parse(one({"--tokens", "2,3,4", "--max-tokens", "8", "--context", "10"}).out).size() == 8);

    // --stop ends before the checkpoint's first stop token
    auto const tokens = json::parse(hello).get<std::vector<int>>();
    auto const folder = scratch() / "tiny_e2b-stop";
    std::filesystem::copy(e2b_folder(), folder, std::filesystem::copy_options::recursive);
    std::ofstream(folder / "generation_config.json") << json{{"eos_token_id", {tokens[3]}}}.dump();
    auto const cut = [&](std::vector<std::string> more)
    {
        more.insert(more.begin(),
                    {"generate", "--model", folder.string(), "--prompt", "Hello", "--max-tokens", "5"});
        return json::parse(run_program(more).out).get<std::vector<int>>();
    };
    auto const at = std::find(tokens.begin(), tokens.end(), tokens[3]);
    CHECK(cut({"--stop"}) == std::vector<int>(tokens.begin(), at));
    CHECK(cut({}) == tokens);

    std::ofstream(file) << "\"good\"\n{\"prompt\": \"a\", \"tokens\": [2]}\n";
    auto const bad = one({"--batch", file, "--max-tokens", "5"});
    CHECK(bad.status == 1);
    CHECK(bad.out == "");
    CHECK(has(bad.err, file + ", line 2"));
    CHECK(one({"--batch", file + ".no", "--max-tokens", "5"}).status == 1);
}

TEST_CASE("run on a base model continues the text of --prompt or of a pipe")
{
    std::vector<std::string> const run{"run", "--model",       e2b_folder(), "--max-tokens",
                                       "12",  "--temperature", "0"};
    auto const with = [&](std::vector<std::string> more, std::string const& in = {})
    {
        more.insert(more.begin(), run.begin(), run.end());
        return run_program(more, in);
    };
    auto const prompt = with({"--prompt", "Hello"});
    CHECK(prompt.status == 0);
    CHECK(prompt.out.back() == '\n');
    auto const pipe = with({}, "Hello\n");
    CHECK(pipe.status == 0);
    CHECK(pipe.out == prompt.out);

    // the same tokens as generate's, as text
    auto const ids = run_program({"generate", "--model", e2b_folder(), "--prompt", "Hello", "--max-tokens",
                                  "12", "--stop"})
                         .out;
    auto const text =
        run_program({"detokenize", "--model", e2b_folder()},
                    R"({"skip_special_tokens": true, "ids": )" + ids.substr(0, ids.size() - 1) + "}");
    auto const words = json::parse(text.out).get<std::string>();
    CHECK(prompt.out == (words.ends_with('\n') ? words : words + "\n"));
    if (json::parse(ids).size() == 12) { CHECK(prompt.err == "gemma4: max_tokens after 12 new tokens\n"); }

    auto const empty = with({}, "");
    CHECK(empty.status == 1);
    CHECK(empty.err == "gemma4: standard input is empty, expected a prompt\n");
}

TEST_CASE("run samples with a seed, and greedily at temperature 0")
{
    auto const with = [](std::vector<std::string> more)
    {
        more.insert(more.begin(),
                    {"run", "--model", e2b_folder(), "--max-tokens", "24", "--prompt", "Hello"});
        return run_program(more);
    };
    auto const one = with({"--temperature", "1.5", "--seed", "7"});
    CHECK(one.status == 0);
    CHECK(with({"--temperature", "1.5", "--seed", "7"}).out == one.out);
    CHECK(with({"--temperature", "1.5", "--seed", "8"}).out != one.out);
    CHECK(with({"--temperature", "1.5", "--top-k", "1", "--seed", "8"}).out
          == with({"--temperature", "0"}).out);
    CHECK(with({"--top-p", "2"}).status == 1);
    CHECK(has(with({"--top-p", "2"}).err, "top_p"));
    CHECK(with({"--temperature", "-1"}).status == 1);
}

TEST_CASE("on a terminal without a prompt run is a chat; it goes on after a full context")
{
    auto const r = run_program(
        {"run", "--model", chat_folder(), "--max-tokens", "4", "--temperature", "0", "--context", "48"},
        "Hello\n\n" + std::string(400, 'x') + "\n/clear\nHello\n", true);
    CHECK(r.status == 0);
    CHECK(has(r.err, "context full"));
    CHECK(has(r.err, "prompt ["));    // the progress bar
    auto const half = r.out.size() / 2;
    REQUIRE(!r.out.empty());
    CHECK(r.out.substr(0, half) == r.out.substr(half));    // twice the first answer
}

TEST_CASE("run keeps a conversation in a file and goes on from it")
{
    auto const file = (scratch() / "chat.state").string();
    auto const with = [](std::vector<std::string> more, std::string const& in = {}, bool terminal = false)
    {
        more.insert(more.begin(), {"run", "--model", chat_folder(), "--max-tokens", "5", "--temperature", "0",
                                   "--context", "256", "--system", "Be brief."});
        return run_program(more, in, terminal);
    };
    auto const first = with({"--prompt", "One", "--save", file, "--think", "--thinking-budget", "2"});
    CHECK(first.status == 0);
    auto const second = with({"--prompt", "Two", "--load", file, "--thinking-budget", "2"});
    CHECK(second.status == 0);
    auto const both = with({"--think", "--thinking-budget", "2"}, "One\nTwo\n", true);
    CHECK(both.status == 0);
    CHECK(both.out == first.out + second.out);

    auto const in_chat = with({"--think", "--thinking-budget", "2"},
                              "One\n/save " + file + "\n/reset\nOne\n/load " + file + "\nTwo\n", true);
    CHECK(in_chat.out == first.out + first.out + second.out);

    auto const wrong =
        run_program({"run", "--model", e2b_folder(), "--prompt", "x", "--load", file + ".none"});
    CHECK(wrong.status == 1);
    CHECK(has(wrong.err, "chat.state.none"));
}

TEST_CASE("run obeys a schema even with random weights, and refuses files that are none")
{
    auto const schema = scratch() / "schema.json";
    std::ofstream(schema) << R"({"type": "object", "properties": {"color": {"enum": ["red", "green"]}}, )"
                             R"("required": ["color"], "additionalProperties": false})";
    std::vector<std::string> const run{"run",           "--model", chat_folder(), "--max-tokens", "200",
                                       "--temperature", "0",       "--prompt",    "A color"};
    auto const with = [&](std::vector<std::string> more)
    {
        more.insert(more.begin(), run.begin(), run.end());
        return run_program(more);
    };
    auto const r = with({"--schema", schema.string()});
    CHECK(r.status == 0);
    auto const value = json::parse(r.out);
    CHECK((value == json{{"color", "red"}} || value == json{{"color", "green"}}));
    CHECK(lines(r.out) == 1);

    auto const tools = scratch() / "tools.json";
    std::ofstream(tools) << R"([{"name": "clock", "description": "The time"}])";
    CHECK(with({"--tools", tools.string()}).status == 0);
    CHECK(has(with({"--tools", schema.string()}).err, "schema.json: tool 0 is a JSON schema"));
    CHECK(has(with({"--tools", "/nowhere.json"}).err, "/nowhere.json"));
}

TEST_CASE("commands of a chat")
{
    auto const r =
        run_program({"run", "--model", chat_folder(), "--max-tokens", "3", "--temperature", "0"},
                    "/help\n/nothing\n/save\n/image\n/audio /nowhere.wav\n/system Be brief.\nHello\n", true);
    CHECK(r.status == 0);
    CHECK(has(r.err, "/reset"));
    CHECK(has(r.err, "/nothing is no command"));
    CHECK(has(r.err, "/save needs a file"));
    CHECK(has(r.err, "/image needs a file"));
    CHECK(has(r.err, "/nowhere.wav"));
    auto const same = run_program({"run", "--model", chat_folder(), "--max-tokens", "3", "--temperature", "0",
                                   "--system", "Be brief.", "--prompt", "Hello"});
    CHECK(r.out == same.out);
}

TEST_CASE("there is no progress bar where stderr is not a terminal")
{
    auto const r = run_program(
        {"run", "--model", chat_folder(), "--max-tokens", "300", "--temperature", "0", "--prompt", "Hi"});
    CHECK(!has(r.err, "\r"));
    CHECK(!has(r.err, "["));
}

TEST_CASE("bench reports one object, and the hash of the same logits as without random weights")
{
    std::vector<std::string> const bench{"bench",     "--json", "--prompt-tokens", "20", "--new-tokens", "3",
                                         "--depth",   "5",      "--repeat",        "2",  "--roof-bytes", "4M",
                                         "--threads", "1"};
    auto const with = [&](std::vector<std::string> more)
    {
        more.insert(more.begin(), bench.begin(), bench.end());
        auto const r = run_program(more);
        REQUIRE(r.err == "");
        REQUIRE(r.status == 0);
        CHECK(lines(r.out) == 1);
        return json::parse(r.out);
    };
    auto const one = with({"--variant", "tiny_e2b", "--random", "f32"});
    for (auto const* field :
         {"prefill_tokens_per_s", "decode_tokens_per_s", "bytes_per_token", "roof_bytes_per_s", "load_s",
          "peak_resident_bytes", "share_of_roof", "prefill_tflops"})
    {
        CAPTURE(field);
        CHECK(one[field].get<double>() > 0);
    }
    CHECK(one["depth"] == 25);
    CHECK(one["skipped_layers"] == 5);
    CHECK(one["logits_hash"].get<std::string>().size() == 16);
    auto const exactly = [&](char const* chunk)
    {
        return with({"--variant", "tiny_e2b", "--random", "f32", "--compute", "exact", "--chunk",
                     chunk})["logits_hash"];
    };
    CHECK(exactly("3") == exactly("512"));
    CHECK(with({"--variant", "tiny_e2b", "--random", "bf16"})["logits_hash"] != one["logits_hash"]);
    CHECK(with({"--model", e2b_folder()})["logits_hash"] != one["logits_hash"]);
    CHECK(with({"--variant", "tiny_a4b", "--batch", "3"})["skipped_layers"] == 0);
    CHECK(run_program({"bench", "--variant", "tiny_e2b", "--prompt-tokens", "20", "--roof-bytes", "1M",
                       "--new-tokens", "2", "--repeat", "1"})
              .out.starts_with("variant"));
    auto const refused = run_program({"bench", "--variant", "tiny_e2b", "--context", "10"});
    CHECK(refused.status == 1);
    CHECK(has(refused.err, "but the context holds 10"));
}

TEST_CASE("render writes the prompt of a request with the template it names, or the model's own")
{
    auto const request = [](std::string const& more)
    {
        return R"({"messages": [{"role": "user", "content": " Hi "}], "options": {"add_generation_prompt": true})"
               + more + "}\n";
    };
    auto const small = "<bos><|turn>user\nHi<turn|>\n<|turn>model\n";
    auto const named = run_program({"render"}, request(R"(, "template": "canonical-small")")
                                                   + request(R"(, "template": "canonical-large")")
                                                   + request(R"(, "template": "mine")") + request(""));
    CHECK(named.status == 0);
    CHECK(named.err == "");
    std::istringstream out(named.out);
    std::string line;
    std::getline(out, line);
    CHECK(json::parse(line) == small);
    std::getline(out, line);
    CHECK(json::parse(line) == small + std::string("<|channel>thought\n<channel|>"));
    std::getline(out, line);
    CHECK(has(json::parse(line).at("error").get<std::string>(), "mine is not known"));
    std::getline(out, line);
    CHECK(has(json::parse(line).at("error").get<std::string>(), "template is missing"));

    auto const nano = data() / ".." / ".." / "models" / "nano";
    auto const own = run_program({"render", "--model", nano.string()}, request(""));
    CHECK(own.status == 0);
    CHECK(own.err == "");
    CHECK(json::parse(own.out) == small);

    auto const folder = scratch() / "unknown_template";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "chat_template.jinja") << "{{ bos_token }}<|turn>";
    auto const unknown = run_program({"render", "--model", folder.string()}, request(""));
    CHECK(unknown.status == 1);
    CHECK(has(unknown.err, "is none of the published ones"));
    CHECK(has(unknown.err, "--template"));
    auto const base = run_program({"render", "--model", e2b_folder()}, request(""));
    CHECK(base.status == 1);
    CHECK(has(base.err, "has no chat template: it is a base model"));
}

TEST_CASE("parse reads an answer in pieces")
{
    auto const r = run_program(
        {"parse"},
        R"({"chunks": ["<|channel>thou", "ght\nhm<channel|>It is <|tool_call>call:add{a:1}<tool", "_call|>"]})"
        "\n[]\n");
    CHECK(r.status == 0);
    CHECK(r.err == "");
    std::istringstream out(r.out);
    std::string line;
    std::getline(out, line);
    auto const answer = json::parse(line);
    CHECK(answer.at("thinking") == "hm");
    CHECK(answer.at("content") == "It is");
    CHECK(answer.at("tool_calls") == json::parse(R"([{"name": "add", "arguments": {"a": 1}}])"));
    std::getline(out, line);
    CHECK(json::parse(line).contains("error"));
}
