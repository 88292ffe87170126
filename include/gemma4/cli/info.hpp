// gemma4 info
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/io/shape_text.hpp>
#include <gemma4/spec/layer_spec.hpp>

namespace gemma4::inline v0::cli
{
    namespace detail
    {
        using ordered_json = nlohmann::ordered_json;

        inline ordered_json json_of(text_config const& c)
        {
            return {{"vocab", c.vocab},
                    {"hidden", c.hidden},
                    {"layers", c.layers},
                    {"global_every", c.global_every},
                    {"heads", c.heads},
                    {"kv_heads", c.kv_heads},
                    {"global_kv_heads", c.global_kv_heads},
                    {"head_dim", c.head_dim},
                    {"global_head_dim", c.global_head_dim},
                    {"window", c.window},
                    {"ffn", c.ffn},
                    {"shared_ffn", c.shared_ffn},
                    {"kv_shared_layers", c.kv_shared_layers},
                    {"per_layer_input", c.per_layer_input},
                    {"experts", c.experts},
                    {"active_experts", c.active_experts},
                    {"expert_ffn", c.expert_ffn},
                    {"max_positions", c.max_positions},
                    {"value_is_key", c.value_is_key},
                    {"softcap", c.softcap},
                    {"norm_eps", c.norm_eps}};
        }

        inline ordered_json json_of(memory_plan const& p)
        {
            return {{"context", p.context},
                    {"weights_mapped", p.weights.mapped},
                    {"weights_read", p.weights.read},
                    {"weights_converted", p.weights.converted},
                    {"caches_empty", p.caches_empty},
                    {"caches_full", p.caches_full},
                    {"scratch", p.scratch},
                    {"now", p.now()},
                    {"full", p.full()}};
        }

        inline ordered_json json_of(generation_config const& d)
        {
            auto const& s = d.sampling;
            return {{"do_sample", s.do_sample},
                    {"temperature", s.temperature},
                    {"top_k", s.top_k},
                    {"top_p", s.top_p},
                    {"min_p", s.min_p},
                    {"repetition_penalty", s.repetition_penalty},
                    {"repetition_window", s.repetition_window},
                    {"stop_tokens", d.stop.tokens},
                    {"stop_strings", d.stop.strings},
                    {"max_new_tokens", d.stop.max_tokens}};
        }

        // A template that cannot be used has no name; nor has none.
        inline ordered_json json_of(chat_choice const& c)
        {
            return {{"name", c.form ? ordered_json(c.form->name) : nullptr},
                    {"source", c.source.empty() ? nullptr : ordered_json(c.source)},
                    {"reason", c.reason}};
        }

        inline ordered_json json_of(chat_format const& f)
        {
            auto out = json_of(f.usual);
            if (f.with_tools) { out["with_tools"] = json_of(*f.with_tools); }
            return out;
        }

        inline bool contains(std::span<std::string const> names, std::string_view name)
        {
            return std::find(names.begin(), names.end(), name) != names.end();
        }

        // 1234567 -> "1,234,567"
        inline std::string with_commas(std::size_t number)
        {
            auto text = std::to_string(number);
            for (auto at = std::ptrdiff_t(text.size()) - 3; at > 0; at -= 3)
            {
                text.insert(std::size_t(at), 1, ',');
            }
            return text;
        }

        inline std::size_t elements(listed_tensor const& t)
        {
            std::size_t n = 1;
            for (auto const extent : t.shape) { n *= extent; }
            return n;
        }
    }

    // All of it, one object. `parameters` counts every tensor of the checkpoint, towers too.
    inline nlohmann::ordered_json describe(any_model const& model)
    {
        nlohmann::ordered_json out;
        out["variant"] = model.variant();
        out["model"] = model.path().string();
        out["is_chat"] = model.is_chat();
        out["chat_template"] = detail::json_of(model.chat());
        out["tokenizer_tokens"] =
            model.has_tokenizer() ? nlohmann::ordered_json(model.tokens().size()) : nullptr;
        out["text"] = detail::json_of(model.text());
        out["defaults"] = detail::json_of(model.defaults());
        out["kernels"] = model.kernels();
        out["threads"] = model.threads();
        out["chunk"] = model.options().chunk;
        out["memory"] = detail::json_of(model.plan());
        std::size_t parameters = 0;
        auto& tensors = out["tensors"] = nlohmann::ordered_json::array();
        for (auto const& t : model.tensors())
        {
            parameters += detail::elements(t);
            tensors.push_back({{"name", t.name},
                               {"dtype", t.type},
                               {"shape", t.shape},
                               {"bytes", t.bytes},
                               {"known", !detail::contains(model.unknown_tensors(), t.name)}});
        }
        out["parameters"] = parameters;
        out["unknown_tensors"] =
            std::vector<std::string>(model.unknown_tensors().begin(), model.unknown_tensors().end());
        return out;
    }

    inline void print_info(any_model const& model, std::ostream& out)
    {
        using detail::with_commas;
        auto const& c = model.text();
        auto const line = [&out](std::string_view title, auto const&... what)
        {
            out << title << std::string(title.size() < 16 ? 16 - title.size() : 1, ' ');
            (out << ... << what) << '\n';
        };
        line("model", model.variant(),
             model.is_chat() ? ", with a chat template" : ", a base model (no chat template)");
        auto const choice = [&](std::string_view title, chat_choice const& of)
        { line(title, of.form ? of.form->name : "none", ": ", of.reason); };
        choice("template", model.chat().usual);
        if (model.chat().with_tools) { choice("with tools", *model.chat().with_tools); }
        line("layers", c.layers, ", one in ", c.global_every, " global, the others see ", c.window,
             " positions; the last ", c.kv_shared_layers, " share keys and values");
        line("width", c.hidden, ", feed-forward ", c.ffn, ", heads ", c.heads, " (", c.head_dim, " and ",
             c.global_head_dim, " wide), kv heads ", c.kv_heads, " and ", c.global_kv_heads);
        if (c.experts != 0)
        {
            line("experts", c.active_experts, " of ", c.experts, " at work, each ", c.expert_ffn, " wide");
        }
        if (c.per_layer_input != 0) { line("per layer", "an embedding of ", c.per_layer_input); }
        line("vocabulary", c.vocab, ", tokenizer ",
             model.has_tokenizer() ? sentence("of ", model.tokens().size(), " tokens")
                                   : std::string("absent"));
        line("positions", with_commas(c.max_positions), " at most");
        line("kernels", model.kernels(), ", ", model.threads(), " threads");

        auto const& p = model.plan();
        out << "\nmemory, bytes, for a context of " << p.context << '\n';
        auto const bytes = [&](std::string_view title, std::size_t now, std::size_t full)
        {
            auto const a = with_commas(now), b = with_commas(full);
            line(title, std::string(a.size() < 18 ? 18 - a.size() : 0, ' '), a, " now",
                 std::string(b.size() < 18 ? 18 - b.size() : 0, ' '), b, " full");
        };
        bytes("weights, mapped", p.weights.mapped, p.weights.mapped);
        bytes("weights, read", p.weights.read, p.weights.read);
        bytes("weights, made", p.weights.converted, p.weights.converted);
        bytes("keys, values", p.caches_empty, p.caches_full);
        bytes("scratch", p.scratch, p.scratch);
        bytes("all", p.now(), p.full());

        auto const tensors = model.tensors();
        if (tensors.empty()) { return; }
        std::size_t parameters = 0, most = 0;
        std::map<std::string, std::size_t> of_dtype;
        for (auto const& t : tensors)
        {
            parameters += detail::elements(t);
            most = std::max(most, t.name.size());
            of_dtype[t.type] += t.bytes;
        }
        out << "\ntensors: " << tensors.size() << ", " << with_commas(parameters) << " parameters";
        for (auto const& [word, size] : of_dtype)
        {
            out << ", " << with_commas(size) << " bytes of " << word;
        }
        out << '\n';
        for (auto const& t : tensors)
        {
            out << t.name << std::string(most + 2 - t.name.size(), ' ') << t.type
                << std::string(t.type.size() < 6 ? 6 - t.type.size() : 1, ' ')
                << gemma4::detail::shape_text(t.shape)
                << (detail::contains(model.unknown_tensors(), t.name) ? "  unknown" : "") << '\n';
        }
        out << "unknown tensors: " << model.unknown_tensors().size() << '\n';
        for (auto const& name : model.unknown_tensors()) { out << "  " << name << '\n'; }
    }

    inline void info(info_options const& o, std::span<known_variant const> known, console const& io)
    {
        auto const model = load_model(known, o.model, io);
        if (o.json) { io.out << describe(*model).dump() << '\n'; }
        else { print_info(*model, io.out); }
    }
}
