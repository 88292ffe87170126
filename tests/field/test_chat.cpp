// What chats are made of, as people have it: chat templates in all their places, none, unknown ones; tools in
// every dialect; calls in Python's quotes (issue 14, lines 1, 3 and 13).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "support/gguf_writer.hpp"
#include "support/program.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/model_path.hpp>
#include <gemma4/chat/answer_parser.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/tool_list.hpp>

using namespace gemma4;
using namespace gemma4_test;
using nlohmann::json;
using arguments = std::vector<std::string>;

namespace
{
    program_result gemma(arguments const& given, std::string const& in = {})
    {
        return run_program(given, in);
    }

    bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

    std::size_t count(std::string const& text, std::string_view part)
    {
        std::size_t n = 0;
        for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) { ++n; }
        return n;
    }

    std::string read(std::filesystem::path const& path)
    {
        std::ifstream file(path, std::ios::binary);
        REQUIRE_MESSAGE(file.is_open(), path.string());
        return {std::istreambuf_iterator<char>(file), {}};
    }

    void write(std::filesystem::path const& path, std::string const& text)
    {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
    }

    // canonical-small
    std::string nano_template()
    {
        return read(data() / ".." / ".." / "models" / "nano" / "chat_template.jinja");
    }

    // A tiny checkpoint of its own, without a chat template. Its stop tokens are those of a base model, or of
    // a chat model.
    std::string folder_of(std::string const& name, bool is_chat, std::string const& variant = "tiny_e2b")
    {
        auto const folder = scratch() / ("field-" + name);
        std::filesystem::copy(tiny_checkpoint(variant), folder);
        if (is_chat) { write(folder / "generation_config.json", R"({"eos_token_id": [1, 106, 50]})"); }
        return folder.string();
    }

    std::string gguf_of(std::string const& name, gguf_options const& options,
                        std::string const& variant = "tiny_e2b")
    {
        return write_gguf(data() / "tiny" / variant, scratch() / ("field-" + name + ".gguf"), options)
            .string();
    }

    std::string const hello = R"({"messages": [{"role": "user", "content": "Hi"}],
                                  "options": {"add_generation_prompt": true}})";
    std::string one_line(std::string text)
    {
        std::erase(text, '\n');
        return text + '\n';
    }
    std::string const small = "<bos><|turn>user\nHi<turn|>\n<|turn>model\n";
    std::string const large = small + "<|channel>thought\n<channel|>";

    std::string rendered(arguments more)
    {
        more.insert(more.begin(), "render");
        auto const r = gemma(more, one_line(hello));
        CAPTURE(r.err);
        CHECK(r.status == 0);
        return json::parse(r.out).get<std::string>();
    }

    json template_of(std::string const& model, arguments more = {})
    {
        more.insert(more.begin(), {"info", "--json", "--model", model});
        auto const r = gemma(more);
        CAPTURE(r.err);
        CHECK(r.status == 0);
        return json::parse(r.out).at("chat_template");
    }
}

TEST_CASE("14.1: a chat template is found wherever transformers finds one, and the same one is used")
{
    auto const places = json::parse(read(data() / "chat" / "template_places.json"));
    CHECK(places.size() >= 20);
    for (auto const& place : places)
    {
        auto const name = place.at("name").get<std::string>();
        CAPTURE(name);
        auto const folder = scratch() / "places" / name;
        std::filesystem::create_directories(folder);
        for (auto const& [file, content] : place.at("files").items())
        {
            write(folder / file, content.is_string() ? content.get<std::string>() : content.dump());
        }
        auto const found = find_chat_templates(texts_of(folder));
        auto const text = [&](std::string const& of) -> json
        {
            auto const at = found.named.find(of);
            return at == found.named.end() ? json() : json(at->second.text);
        };
        CHECK(text("default") == place.at("texts")[0]);
        CHECK((found.named.contains("tool_use") ? text("tool_use") : text("default"))
              == place.at("texts")[1]);
        // said, where transformers' tokenizer and its processor do not agree
        bool const differ = name == "config and legacy json" || name == "jinja and processor config"
                            || name == "jinja and legacy json";
        CHECK(found.warnings.size() == std::size_t(differ));

        auto const format = choose_chat_format(found, "", [] { return nullptr; });
        CHECK(format.base == (name == "nothing" || name == "config null"));
        CHECK(!format.of(false).form);
        CHECK(!format.of(true).form);
    }
}

TEST_CASE("14.1: one of several templates is for conversations with tools")
{
    auto const folder = folder_of("tool_use", true);
    write(folder + "/tokenizer_config.json", json{{"chat_template",
                                                   {{{"name", "tool_use"}, {"template", nano_template()}},
                                                    {{"name", "default"}, {"template", "?"}}}}}
                                                 .dump());
    auto const tools = one_line(R"({"messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "description": ""}}]})");
    auto const r = gemma({"render", "--model", folder}, tools + one_line(hello));
    CHECK(r.status == 0);
    std::istringstream lines(r.out);
    std::string line;
    std::getline(lines, line);
    CHECK(has(json::parse(line).get<std::string>(), "<|tool>declaration:f"));
    std::getline(lines, line);
    CHECK(has(json::parse(line).at("error").get<std::string>(), "is not one of Gemma 4"));
    auto const said = template_of(folder);
    CHECK(said["name"] == nullptr);
    CHECK(said["source"] == "tokenizer_config.json");
    CHECK(said["with_tools"]["name"] == "canonical-small");
    // by its name it is used for all
    CHECK(rendered({"--model", folder, "--template", "tool_use"}) == small);
}

TEST_CASE("14.1: a GGUF file's named templates")
{
    auto const file = gguf_of("named", {.more = [](gguf_writer& w)
                                        {
                                            w.strings("tokenizer.chat_templates", {"tool_use"});
                                            w.text("tokenizer.chat_template.tool_use", nano_template());
                                            w.text("tokenizer.chat_template", nano_template() + "{# #}");
                                        }});
    auto const said = template_of(file);
    CHECK(said["name"] == nullptr);
    CHECK(said["with_tools"]["name"] == "canonical-small");
    CHECK(said["with_tools"]["source"] == "tokenizer.chat_template.tool_use");
}

TEST_CASE("14.1: a chat model without a template has the current one of models like it, and one warning")
{
    auto const stops = [](gguf_writer& w) { w.integers("tokenizer.ggml.eos_token_ids", {1, 106, 50}); };
    struct row
    {
        std::string model;
        bool is_large;
    };
    for (auto const& [model, is_large] :
         std::vector<row>{
             {gguf_of("ollama", {.more = stops}), false},
             {gguf_of("eot", {.more = [](gguf_writer& w) { w.u32("tokenizer.ggml.eot_token_id", 106); }}),
              false},
             {gguf_of("ollama-large", {.more = stops}, "tiny_a4b"), true},
             {folder_of("no-template", true), false},
             {folder_of("no-template-large", true, "tiny_a4b"), true}})
    {
        CAPTURE(model);
        auto const r = gemma({"render", "--model", model}, one_line(hello));
        CHECK(r.status == 0);
        CHECK(json::parse(r.out) == (is_large ? large : small));
        CHECK(count(r.err, "warning") == 1);
        CHECK(has(r.err, is_large ? "canonical-large" : "canonical-small"));
        CHECK(has(r.err, "--template"));
        if (is_large) { continue; }    // no variant of this program
        auto const said = template_of(model);
        CHECK(said["name"] == "canonical-small");
        CHECK(said["source"] == "stop tokens");
        auto const run =
            gemma({"run", "--model", model, "--prompt", "Hi", "--max-tokens", "2", "--temperature", "0"});
        CHECK(run.status == 0);
        CHECK(count(run.err, "warning") == 1);

        auto const packed = model + ".packed";
        CHECK(gemma({"pack", "--model", model, "--weights", "bf16", "--out", packed}).status == 0);
        CHECK(rendered({"--model", packed}) == small);
        CHECK(template_of(packed)["source"] == "stop tokens");
    }
}

TEST_CASE("14.1: a base model stays one")
{
    auto const gguf = gguf_of("base", {});
    auto const folder = folder_of("base", false);
    for (auto const& model : {gguf, folder})
    {
        CAPTURE(model);
        auto const said = template_of(model);
        CHECK(said["name"] == nullptr);
        CHECK(said["source"] == nullptr);
        auto const r = gemma({"render", "--model", model}, one_line(hello));
        CHECK(r.status == 1);
        CHECK(has(r.err, "it is a base model"));
        auto const run =
            gemma({"run", "--model", model, "--prompt", "Hi", "--max-tokens", "2", "--temperature", "0"});
        CHECK(run.status == 0);
        CHECK(!has(run.err, "warning"));
    }
}

TEST_CASE("14.1: --template is a name, a file or none")
{
    auto const model = folder_of("choose", true);
    write(model + "/chat_template.jinja", nano_template());
    auto const file = (scratch() / "own.jinja").string();
    CHECK(rendered({"--model", model}) == small);
    CHECK(rendered({"--model", model, "--template", "canonical-large"}) == large);
    CHECK(rendered({"--template", "canonical-large"}) == large);
    write(file, nano_template());
    CHECK(rendered({"--model", gguf_of("choose", {}), "--template", file}) == small);
    CHECK(template_of(model, {"--template", "launch"})["name"] == "launch");
    CHECK(template_of(model, {"--template", file})["source"] == file);
    CHECK(template_of(model, {"--template", "none"})["name"] == nullptr);

    arguments const run{"run",          "--model", model,           "--prompt", "Hello",
                        "--max-tokens", "8",       "--temperature", "0"};
    auto with = run;
    with.insert(with.end(), {"--template", "none"});
    auto const base = folder_of("choose-base", false);
    auto alone = run;
    alone[2] = base;
    CHECK(gemma(with).out == gemma(alone).out);
    CHECK(gemma(with).out != gemma(run).out);

    auto const none = gemma({"render", "--model", model, "--template", "none"}, one_line(hello));
    CHECK(none.status == 1);
    for (std::string const command : {"render", "info"})
    {
        auto const wrong = gemma({command, "--model", model, "--template", "canonical"});
        CHECK(wrong.status == 1);
        CHECK(has(wrong.err, "canonical is neither a file nor one of canonical-large, canonical-small"));
    }
    write(file, "{{ messages }}");
    auto const unknown = gemma({"info", "--model", model, "--template", file});
    CHECK(unknown.status == 1);
    CHECK(has(unknown.err, "own.jinja: this chat template is not one of Gemma 4"));
}

TEST_CASE("14.1: a template that is none of the published ones is refused where it is used, and only there")
{
    auto text = nano_template();
    auto const at = text.find("<|turn>model");
    text.insert(at, "<|x|>");
    auto const line = std::count(text.begin(), text.begin() + std::ptrdiff_t(at), '\n') + 1;
    auto const model = folder_of("unknown", true);
    write(model + "/chat_template.jinja", text);
    for (auto const& r : {gemma({"render", "--model", model}, one_line(hello)),
                          gemma({"run", "--model", model, "--prompt", "Hi"})})
    {
        CHECK(r.status == 1);
        CHECK(r.out == "");
        CHECK(count(r.err, "\n") == 1);
        CAPTURE(r.err);
        CHECK(has(r.err, "chat_template.jinja is none of the published ones"));
        CHECK(has(r.err, "canonical-small, the nearest"));
        CHECK(has(r.err, "the first that differs is line " + std::to_string(line) + ", `"));
        CHECK(has(r.err, "--template NAME"));
        CHECK(has(r.err, "load_options::chat_template"));
    }
    auto const said = template_of(model);
    CHECK(said["name"] == nullptr);
    CHECK(said["source"] == "chat_template.jinja");
    CHECK(has(said["reason"], "is none of the published ones"));
    auto const npy = (scratch() / "x.npy").string();
    CHECK(gemma({"logits", "--model", model, "--tokens", "2,300", "--out", npy}).status == 0);
    CHECK(gemma({"generate", "--model", model, "--tokens", "2,300", "--max-tokens", "2"}).status == 0);
    CHECK(gemma({"tokenize", "--model", model}, "\"a\"\n").status == 0);
    CHECK(rendered({"--model", model, "--template", "canonical-small"}) == small);
    CHECK(gemma({"run", "--model", model, "--prompt", "Hi", "--max-tokens", "2", "--template",
                 "canonical-small"})
              .status
          == 0);
}

TEST_CASE("14.1: gemma4 templates lists the names")
{
    auto const lines = gemma({"templates"});
    CHECK(lines.status == 0);
    CHECK(count(lines.out, "\n") == known_chat_templates.size());
    auto const all = json::parse(gemma({"templates", "--json"}).out);
    REQUIRE(all.size() == known_chat_templates.size());
    for (std::size_t i = 0; i != all.size(); ++i)
    {
        CHECK(all[i]["name"] == known_chat_templates[i].name);
        CHECK(all[i]["sha256"] == known_chat_templates[i].sha256);
        CHECK(has(lines.out, known_chat_templates[i].name));
        CHECK(has(lines.out, known_chat_templates[i].sha256));
    }
}

TEST_CASE("14.1: a packed file carries on what its source had")
{
    auto const model = folder_of("packed", true);
    auto const packed = model + ".packed";
    write(model + "/additional_chat_templates/tool_use.jinja", nano_template());
    write(model + "/chat_template.json", json{{"chat_template", "?"}}.dump());
    CHECK(gemma({"pack", "--model", model, "--weights", "bf16", "--out", packed}).status == 0);
    CHECK(template_of(packed)["with_tools"]["name"] == "canonical-small");
    CHECK(template_of(packed)["with_tools"]["source"] == "additional_chat_templates/tool_use.jinja");
}

TEST_CASE("14.3: tools of every dialect give the prompt that transformers gives for OpenAI's form of them")
{
    auto const rows = json::parse(read(data() / "chat" / "tool_dialects.json"));
    CHECK(rows.size() >= 20);
    for (auto const& row : rows)
    {
        CAPTURE(row.at("name").get<std::string>());
        auto const tools = row.at("tools").dump();
        json const request{{"messages", {{{"role", "user"}, {"content", "Weather?"}}}},
                           {"tools", row.at("tools")},
                           {"options", {{"add_generation_prompt", true}}}};
        auto const r = gemma({"render", "--template", "canonical-small"}, request.dump() + "\n");
        // which templates refuse, as they do in transformers; a program that runs tools reads them
        if (row.at("name") == "openai inner") { CHECK(json::parse(r.out).contains("error")); }
        else { CHECK(json::parse(r.out) == row.at("text")); }

        std::vector<json_value> declarations;
        for (auto const& tool : read_tool_list(read_json_value(tools, "tools"), "tools"))
        {
            CHECK(!tool.name.empty());
            declarations.push_back(tool.declaration);
        }
        auto const prompt = render(chat_template_named("canonical-small"),
                                   make_chat_request({chat_message("user", "Weather?")}, declarations,
                                                     {.add_generation_prompt = true}));
        CHECK(prompt == row.at("text"));
    }
}

TEST_CASE("14.3: what cannot be read with its parameters is refused by what it is")
{
    struct row
    {
        std::string tools, says;
    };
    auto const model = folder_of("tools", true);
    write(model + "/chat_template.jinja", nano_template());
    auto const file = (scratch() / "tools.json").string();
    for (auto const& [tools, says] : std::vector<row>{
             {R"([{"type": "web_search_20250305", "name": "web_search"}])", "of type web_search_20250305"},
             {R"([{"type": "code_interpreter", "container": {"type": "auto"}}])", "of type code_interpreter"},
             {R"([{"type": "mcp", "server_label": "x", "server_url": "https://x"}])", "of type mcp"},
             {R"([{"googleSearch": {}}])", "is googleSearch, which only Google's"},
             {R"({"tools": [{"google_search": {}}]})", "is google_search, which only Google's"},
             {R"([{"functionDeclarations": [{"name": "f"}], "codeExecution": {}}])", "is codeExecution"},
             {R"([{"type": "custom", "name": "f", "format": {"type": "grammar"}}])", "f is a custom tool"},
             {R"([{"type": "custom", "custom": {"name": "f"}}])", "is a custom tool"},
             {R"([{"name": "f", "parameter_definitions": {"a": {"type": "str"}}}])",
              "f has parameter_definitions"},
             {R"([{"name": "f", "inputs": {"a": {"type": "string"}}}])", "f has inputs"},
             {R"([{"name": "f", "args_schema": {}}])", "f has args_schema"},
             {R"([{"name": "f", "input_schema": null}])", "input_schema is null"},
             {R"([{"name": "f", "inputSchema": "{}"}])", "inputSchema is a string"},
             {R"([{"name": "f", "parameters": "{\"type\": \"object\"}"}])", "parameters is a string"},
             {R"([{"name": "f", "parameters": {"type": "string"}}])", "describe string, expected an object"},
             {R"([{"name": "f", "parameters": {}, "input_schema": {}}])", "both parameters and input_schema"},
             {R"([{"type": "function", "function": {"name": "f"}, "parameters": {"type": "object"}}])",
              "f has parameters"},
             {R"([{"name": "f", "input_schema": {"type": "object"}, "defer_loading": true}])",
              "has defer_loading"},
             {R"([{"name": "f", "inputSchema": {}, "execution": {"taskSupport": "required"}}])",
              "has execution"},
             {R"([{"functionDeclarations": [{"name": "f", "behavior": "NON_BLOCKING"}]}])", "has behavior"},
             {R"([{"name": "f"}, {"name": "f"}])", "f is declared twice"},
             {R"([{"description": "no name"}])", "tool 0 has no name"},
             {R"(["get_weather"])", "tool 0 is a string"},
             {R"({"type": "object", "properties": {}})", "is a JSON schema"},
             {R"({"tools": [{"name": "f"}], "nextCursor": "2"})", "nextCursor"},
             {R"({"tools": [{"name": "f"}], "tool_choice": "required"})", "tool_choice"},
             {R"({"tools": [{"name": "f"}], "messages": [{}]})", "messages"},
             {"3", "is an integer"}})
    {
        CAPTURE(tools);
        write(file, tools);
        auto const r = gemma({"run", "--model", model, "--prompt", "Hi", "--tools", file});
        CHECK(r.status == 1);
        CHECK(r.out == "");
        CAPTURE(r.err);
        CHECK(has(r.err, "tools.json: "));
        CHECK(has(r.err, says));
    }
}

TEST_CASE("14.13: calls in Python's quotes are read as those in JSON's, or are malformed")
{
    auto const parsed = [](std::string const& call) -> std::string
    {
        auto const found = read_answer("<|tool_call>call:f" + call + "<tool_call|>");
        REQUIRE(found.tool_calls.size() + found.malformed.size() == 1);
        CHECK(found.content.empty());
        return found.tool_calls.empty() ? "malformed" : to_json(found.tool_calls[0].arguments);
    };
    struct row
    {
        std::string call, is;
    };
    for (auto const& [call, is] : std::vector<row>{
             {"{x:['a','b']}", R"({"x": ["a", "b"]})"},
             {"{x:{'k': 1}}", R"({"x": {"k": 1}})"},
             {"{'x': 'a, b', 'y': None, 'z': [True, False, {'k': 'v'}]}",
              R"({"x": "a, b", "y": null, "z": [true, false, {"k": "v"}]})"},
             {R"({x:["it's", 'say "hi"', '']})", R"({"x": ["it's", "say \"hi\"", ""]})"},
             {R"({x:'it\'s \\ \x41\u00e9\U0001F600\n\d\
'})",
              "{\"x\": \"it's \\\\ Aé😀\\n\\\\d\"}"},
             {R"({x:"it\'s"})", R"({"x": "it's"})"},
             {"{x:'it's Ann's'}", R"({"x": "it's Ann's"})"},
             {"{x:'a}b]c:d', y:1}", R"({"x": "a}b]c:d", "y": 1})"},
             {R"({x:'''a 'b' "c"''',y:"""d "e" f"""})", R"({"x": "a 'b' \"c\"", "y": "d \"e\" f"})"},
             {"{x:['a' , 'b' ]}", R"({"x": ["a", "b"]})"},
             {"{x:Coeur d'Alene,y:27\"}", R"({"x": "Coeur d'Alene", "y": "27\""})"},
             {"{x:'a}", "malformed"},
             {"{x:a'}", "malformed"},
             {"{x:['a' 'b']}", "malformed"},
             {"{x:('a', 'b')}", "malformed"},
             {"{x:[('a')]}", "malformed"},
             {"{x:[u'a', b'b']}", "malformed"},
             {"{x:rb'a'}", "malformed"},
             {"{x:f\"a\"}", "malformed"},
             {"{x:{'a', 'b'}}", "malformed"},
             {"{u'k':1}", "malformed"},
             {"{x:'a'.upper()}", "malformed"}})
    {
        CAPTURE(call);
        CHECK(parsed(call) == is);
    }
}

TEST_CASE("14.13: a string in single quotes may hold the end of a call, in pieces of any size")
{
    std::string const text = "<|tool_call>call:f{'x': 'a<tool_call|>b<turn|>', y:2}<tool_call|>done";
    for (std::size_t size = 1; size != text.size(); ++size)
    {
        CAPTURE(size);
        answer all;
        answer_parser parser;
        for (std::size_t at = 0; at < text.size(); at += size)
        {
            all.add(parser.push(text.substr(at, size)));
        }
        all.add(parser.finish());
        REQUIRE(all.tool_calls.size() == 1);
        CHECK(to_json(all.tool_calls[0].arguments) == R"({"x": "a<tool_call|>b<turn|>", "y": 2})");
        CHECK(all.content == "done");
    }
}

TEST_CASE("14.13: one tool with a bad name, or with parameters beyond a grammar, leaves the others checked")
{
    std::vector<std::string> said;
    auto const tokens = gemma4::tokenizer::from_file(data() / "tiny" / "tokenizer.json");
    auto const declared = [](std::string const& function)
    { return read_json_value(R"({"type": "function", "function": )" + function + "}", "tool"); };
    // more states than the automaton of all may have; found when it is made, after the schema was read
    std::string const huge = R"({"name": "huge", "parameters": {"type": "object", "properties": {"a": {
        "type": "string", "pattern": "^((((((x?y?){7}){7}){7}){7}){7}){7}$"}}}})";
    std::vector<json_value> const tools{
        declared(R"({"name": "bad{name"})"), declared(R"({"name": " blank"})"),
        declared(R"({"description": "d"})"), declared(huge),
        declared(
            R"({"name": "good", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}},
                     "required": ["n"]}})")};
    call_masks masks(
        tools, tokens, [&] { return make_trie(tokens); },
        [&](std::string_view what) { said.emplace_back(what); });
    auto const allows = [&](std::string const& text)
    {
        auto mask = masks.next();
        REQUIRE(mask);
        for (auto const id : tokens.encode(text))
        {
            if (!mask->allows(id)) { return false; }
            mask->accept(id);
        }
        return mask->complete();
    };
    CHECK(allows("call:good{n:1}<tool_call|>"));
    CHECK_FALSE(allows("call:good{}<tool_call|>"));
    CHECK_FALSE(allows("call:good{n:<|\"|>x<|\"|>}<tool_call|>"));
    CHECK_FALSE(allows("call:bad{name{}<tool_call|>"));
    CHECK_FALSE(allows("call: blank{}<tool_call|>"));
    CHECK(allows("call:huge{b:1}<tool_call|>"));
    CAPTURE(said);
    auto const told = [&](std::string_view part)
    { return std::ranges::count_if(said, [&](std::string const& s) { return has(s, part); }) == 1; };
    CHECK(said.size() == 4);
    CHECK(told("the name bad{name"));
    CHECK(told("the name  blank"));
    CHECK(told("expected function.name"));
    CHECK(told("tool huge: its arguments are not checked"));
}
