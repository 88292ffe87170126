// A GGUF file wherever a folder is accepted, and gemma4 perplexity.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/gguf_writer.hpp"
#include "support/program.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/npy.hpp>

using namespace gemma4_test;
using nlohmann::json;

namespace
{
    std::string folder() { return tiny_checkpoint("tiny_e2b").string(); }

    // The same values; the template is one that the library knows.
    std::string file()
    {
        static std::string const path = []
        {
            auto const more = [](gguf_writer& w)
            {
                std::ifstream in(std::filesystem::path(GEMMA4_TEST_DATA) / ".." / ".." / "models" / "nano"
                                     / "chat_template.jinja",
                                 std::ios::binary);
                w.text("tokenizer.chat_template", std::string(std::istreambuf_iterator<char>(in), {}));
            };
            return write_gguf(data() / "tiny" / "tiny_e2b", scratch() / "cli.gguf", {.more = more}).string();
        }();
        return path;
    }

    bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

    std::string out_of(std::vector<std::string> arguments, std::string const& in = {})
    {
        auto const r = run_program(std::move(arguments), in);
        CAPTURE(r.err);
        CHECK(r.status == 0);
        return r.out;
    }

    std::string text_file()
    {
        auto const path = scratch() / "text.txt";
        std::ofstream out(path, std::ios::binary);
        for (int i = 0; i != 60; ++i)
        {
            out << "Line " << i << " of a text <bos> that says the number " << i * i << ".\n";
        }
        return path.string();
    }
}

TEST_CASE("gguf: tokenize, detokenize, logits, generate and render answer as for the folder")
{
    std::string const texts = "\"Hello <bos> world\"\n\"  a\\n\\nb\"\n";
    CHECK(out_of({"tokenize", "--bos", "--model", file()}, texts)
          == out_of({"tokenize", "--bos", "--model", folder()}, texts));
    std::string const ids = "{\"ids\": [2, 300, 17, 45]}\n";
    CHECK(out_of({"detokenize", "--model", file()}, ids) == out_of({"detokenize", "--model", folder()}, ids));
    CHECK(out_of({"generate", "--model", file(), "--tokens", "2,300,17", "--max-tokens", "8"})
          == out_of({"generate", "--model", folder(), "--tokens", "2,300,17", "--max-tokens", "8"}));
    auto const logits = [](std::string const& model)
    {
        auto const npy = (scratch() / "gguf-logits.npy").string();
        out_of({"logits", "--model", model, "--tokens", "2,300,17,45", "--out", npy});
        return gemma4::read_npy(npy).floats();
    };
    CHECK(logits(file()) == logits(folder()));
    auto const rendered = out_of({"render", "--model", file()},
                                 "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}\n");
    CHECK(has(rendered, "<|turn>user\\nHi<turn|>\\n"));
}

TEST_CASE("gguf: info lists the tensors of the file")
{
    auto const all = json::parse(out_of({"info", "--json", "--model", file()}));
    CHECK(all["variant"] == "tiny_e2b");
    CHECK(all["model"] == file());
    CHECK(all["is_chat"] == true);
    CHECK(all["tokenizer_tokens"] == 2048);
    CHECK(all["unknown_tensors"] == json::array());
    std::size_t found = 0;
    for (auto const& t : all["tensors"])
    {
        CHECK(t["known"] == true);
        if (t["name"] != "blk.0.ffn_gate.weight") { continue; }
        ++found;
        CHECK(t["dtype"] == "F32");
        CHECK(t["shape"] == json{160, 96});
        CHECK(t["bytes"] == 160 * 96 * 4);
    }
    CHECK(found == 1);
    CHECK(has(out_of({"info", "--model", file()}), "blk.14.ffn_down.weight"));
}

TEST_CASE("gguf: failures are one sentence")
{
    auto const truncated = (scratch() / "cut.gguf").string();
    std::ofstream(truncated, std::ios::binary) << "GGUF" << std::string("\3\0\0\0\1", 5);
    for (std::string const command : {"info", "tokenize", "detokenize", "render", "run"})
    {
        CAPTURE(command);
        auto const r = run_program({command, "--model", truncated}, "\"a\"\n");
        CHECK(r.status == 1);
        CHECK(r.out == "");
        CHECK(r.err.starts_with("gemma4: " + truncated + " ends at byte 9"));
    }
    auto const other = write_gguf(data() / "tiny" / "tiny_d31b", scratch() / "d31b.gguf").string();
    auto const r = run_program({"info", "--model", other});
    CHECK(r.status == 1);
    CHECK(has(r.err, "d31b.gguf describes none of the variants compiled in: "));
    CHECK(run_program({"info", "--model", folder(), "--mmproj", other}).status == 1);
}

TEST_CASE("perplexity: the rule, by hand, from the logits of each window")
{
    constexpr std::size_t window = 32;
    auto const shown = json::parse(out_of({"perplexity", "--json", "--model", file(), "--file", text_file(),
                                           "--window", "32", "--chunk", "7"}));
    std::ifstream in(text_file(), std::ios::binary);
    std::string const text(std::istreambuf_iterator<char>(in), {});
    // <bos> in the text is plain text
    auto const tokens = gemma4::tokenizer::from_file(data() / "tiny" / "tokenizer.json");
    auto ids = tokens.encode(text, gemma4::special_tokens::as_text);
    ids.insert(ids.begin(), *tokens.find("<bos>"));
    auto const windows = ids.size() / window;
    REQUIRE(windows > 3);
    double sum = 0;
    std::size_t scored = 0;
    for (std::size_t w = 0; w != windows; ++w)
    {
        std::vector<gemma4::token_id> part(ids.begin() + std::ptrdiff_t(w * window),
                                           ids.begin() + std::ptrdiff_t((w + 1) * window));
        part[0] = ids[0];
        std::string list;
        for (auto const id : part) { list += (list.empty() ? "" : ",") + std::to_string(id); }
        auto const npy = (scratch() / "window.npy").string();
        out_of({"logits", "--model", folder(), "--tokens", list, "--out", npy});
        auto const logits = gemma4::read_npy(npy).floats();
        for (std::size_t next = window / 2 + 1; next != window; ++next, ++scored)
        {
            auto const* row = logits.data() + (next - 1) * 2048;
            double total = 0;
            for (std::size_t i = 0; i != 2048; ++i) { total += std::exp(double(row[i])); }
            sum += std::log(total) - double(row[part[next]]);
        }
    }
    CHECK(shown["tokens"] == ids.size());
    CHECK(shown["windows"] == windows);
    CHECK(shown["scored"] == scored);
    CHECK(shown["perplexity"].get<double>() == doctest::Approx(std::exp(sum / double(scored))).epsilon(1e-6));

    CHECK(has(out_of({"perplexity", "--model", folder(), "--file", text_file(), "--window", "32", "--windows",
                      "2"}),
              "(2 windows of 32 tokens, 30 predictions)"));
}

TEST_CASE("perplexity: divergence from a saved run")
{
    auto const saved = (scratch() / "saved.npy").string();
    auto const common = [&](std::string const& model, std::vector<std::string> const& more)
    {
        std::vector<std::string> arguments{"perplexity", "--json", "--model", model, "--file", text_file()};
        auto const given = [&](std::string const& option)
        { return std::find(more.begin(), more.end(), option) != more.end(); };
        if (!given("--window")) { arguments.insert(arguments.end(), {"--window", "32"}); }
        if (!given("--windows")) { arguments.insert(arguments.end(), {"--windows", "2"}); }
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    };
    out_of(common(folder(), {"--kl-save", saved}));
    auto const rows = gemma4::read_npy(saved);
    CHECK(rows.shape == std::vector<std::size_t>{30, 2048});
    double one = 0;
    for (std::size_t i = 0; i != 2048; ++i) { one += std::exp(double(rows.floats()[i])); }
    CHECK(one == doctest::Approx(1));

    auto const same = json::parse(out_of(common(file(), {"--kl-from", saved})))["kl"];
    CHECK(same["mean"].get<double>() == 0);
    CHECK(same["same_top_token"] == 1);

    // by hand against another model
    auto const eight = write_gguf(data() / "tiny" / "tiny_e2b", scratch() / "q8.gguf",
                                  {.format = [](std::string_view) { return gguf_format::q8_0; }})
                           .string();
    auto const other = (scratch() / "other.npy").string();
    auto const kl = json::parse(out_of(common(eight, {"--kl-from", saved, "--kl-save", other})))["kl"];
    auto const q = gemma4::read_npy(other).floats();
    double sum = 0, largest = 0;
    for (std::size_t r = 0; r != 30; ++r)
    {
        double row = 0;
        for (std::size_t i = r * 2048; i != (r + 1) * 2048; ++i)
        {
            row += std::exp(double(rows.floats()[i])) * (double(rows.floats()[i]) - double(q[i]));
        }
        sum += row;
        largest = std::max(largest, row);
    }
    CHECK(kl["mean"].get<double>() == doctest::Approx(sum / 30).epsilon(1e-6));
    CHECK(kl["max"].get<double>() == doctest::Approx(largest).epsilon(1e-6));
    CHECK(kl["mean"].get<double>() > 0);

    auto const refusal = [&](std::vector<std::string> const& more)
    { return run_program(common(file(), more)).err; };
    CHECK(has(refusal({"--kl-from", saved, "--windows", "3"}), "holds 30 positions, but this text has more"));
    CHECK(has(refusal({"--kl-from", (scratch() / "nowhere.npy").string()}), "nowhere.npy cannot be opened"));
    CHECK(has(refusal({"--window", "3"}), "the window is 3, expected at least 4"));
    CHECK(has(refusal({"--window", "5000"}), "the window is 5000, but the context holds 4096"));
}
