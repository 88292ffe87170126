// The text part of config.json, compared with a compiled variant field by field.
//
// Two spellings are read: the released one (global_head_dim, num_global_key_value_heads) and the one
// transformers saves (per_layer_config). An absent option has transformers' default; an option we cannot
// honour is an error, never ignored. Passed over is what modeling_gemma4.py of transformers 5.24 computes
// nothing from: dropout (of training), initializer_range, use_cache, and words of other models, such as
// attn_logit_softcapping, query_pre_attn_scalar, hidden_act, rope_theta beside rope_parameters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <gemma4/core/error.hpp>
#include <gemma4/io/config_difference.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/model/placeholder_tokens.hpp>
#include <gemma4/spec/text_config.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline constexpr std::size_t max_layers = 4096;

        struct text_fields
        {
            text_config text{};          // global_every is not derived yet
            std::vector<bool> global;    // (layers)
            std::string prefix;          // "text_config." or ""
            std::string global_head_dim_field;
            std::string global_kv_heads_field;
        };

        [[noreturn]] inline void unsupported(json_fields const& fields, std::string_view key,
                                             std::string_view expected)
        {
            auto const* value = fields.find(key);
            std::string found = "missing";
            if (value && value->is_string()) { found = in_quotes(value->get_ref<std::string const&>()); }
            else if (value) { found = value->is_structured() ? std::string(kind_of(*value)) : value->dump(); }
            throw mismatch_error(sentence(fields.file(), ": ", fields.field(key), " is ", found, ", only ",
                                          expected, " is supported"));
        }

        inline void require_word(json_fields const& fields, std::string_view key, std::string_view only)
        {
            if (fields.text(key, only) != only) { unsupported(fields, key, in_quotes(only)); }
        }

        inline void require_flag(json_fields const& fields, std::string_view key, bool only)
        {
            if (fields.boolean(key, only) != only) { unsupported(fields, key, only ? "true" : "false"); }
        }

        // A rope number that only its neutral value makes the plain rope that we compute.
        inline void require_one(json_fields const& fields, std::string_view key)
        {
            if (fields.number(key, 1.0f) != 1.0f) { unsupported(fields, key, "1"); }
        }

        // Of NVFP4 checkpoints only: which tensors are quantised, the tensors say themselves.
        inline void read_quantisation(json_fields const& fields)
        {
            auto const& method = fields.text("quant_method");
            if (method == "modelopt") { return require_word(fields, "quant_algo", "NVFP4"); }
            if (method == "compressed-tensors")
            {
                auto const& format = fields.text("format", "");
                bool const known = format == "nvfp4-pack-quantized" || format == "mixed-precision";
                if (!known) { unsupported(fields, "format", "\"nvfp4-pack-quantized\""); }
                return;
            }
            unsupported(fields, "quant_method", "\"modelopt\" or \"compressed-tensors\" with NVFP4 weights");
        }

        inline void read_rope(json_fields const& fields, text_config& text)
        {
            if (fields.find("rope_scaling")) { unsupported(fields, "rope_scaling", "null"); }
            if (!fields.find("rope_parameters"))
            {
                return;
            }    // the defaults of text_config are transformers'
            auto const rope = fields.fields("rope_parameters");
            auto const sliding = rope.fields("sliding_attention");
            require_word(sliding, "rope_type", "default");    // of which partial_rotary_factor is no part
            text.rope_theta = sliding.number("rope_theta");
            auto const global = rope.fields("full_attention");
            if (global.text("rope_type") != "proportional")
            {
                unsupported(global, "rope_type", "\"proportional\"");
            }
            require_one(global, "factor");
            text.global_rope_theta = global.number("rope_theta");
            text.global_rotated = global.number("partial_rotary_factor", 1.0f);
        }

        // As in transformers: where layer_types is absent every sixth layer is global, and the last one is
        // global whatever layer_types says.
        inline std::vector<bool> read_layer_types(json_fields const& fields, std::size_t layers)
        {
            std::vector<bool> global(layers);
            if (!fields.find("layer_types"))
            {
                for (std::size_t l = 0; l != layers; ++l) { global[l] = (l + 1) % 6 == 0 || l + 1 == layers; }
                return global;
            }
            auto const& types = fields.list("layer_types");
            if (types.size() != layers)
            {
                throw file_error(sentence(fields.file(), ": ", fields.field("layer_types"), " names ",
                                          types.size(), " layers, but num_hidden_layers is ", layers));
            }
            for (std::size_t l = 0; l != layers; ++l)
            {
                auto const key = sentence("layer_types[", l, "]");
                if (!types[l].is_string()) { fields.wrong(key, "a string", types[l]); }
                auto const& word = types[l].get_ref<std::string const&>();
                global[l] = word == "full_attention";
                if (!global[l] && word != "sliding_attention")
                {
                    throw mismatch_error(
                        sentence(fields.file(), ": ", fields.field(key), " is ", in_quotes(word),
                                 ", only \"sliding_attention\" and \"full_attention\" are supported"));
                }
            }
            global.back() = true;
            return global;
        }

        // "5" or "05" -> 5
        inline std::size_t layer_number(json_fields const& overrides, std::string_view key,
                                        std::size_t layers)
        {
            std::size_t layer = 0;
            bool valid = !key.empty() && key.size() <= 8;
            for (char const c : key)
            {
                valid = valid && c >= '0' && c <= '9';
                if (valid) { layer = layer * 10 + static_cast<std::size_t>(c - '0'); }
            }
            if (!valid || layer >= layers)
            {
                throw file_error(sentence(overrides.file(), ": ", overrides.field({}), " has the key ",
                                          in_quotes(key), ", expected a layer number below ", layers));
            }
            return layer;
        }

        // head_dim and num_key_value_heads layer by layer; a missing key means the general value.
        inline void read_per_layer_config(json_fields const& fields, text_fields& out)
        {
            auto const overrides = fields.fields("per_layer_config");
            std::map<std::size_t, std::string> key_of;
            for (auto const& [key, entry] : overrides.object().items())
            {
                auto const layer = layer_number(overrides, key, out.global.size());
                if (auto const [place, is_new] = key_of.emplace(layer, key); !is_new)
                {
                    throw file_error(sentence(overrides.file(), ": ", overrides.field(key), " and ",
                                              overrides.field(place->second), " are the same layer"));
                }
                if (!overrides.find(key)) { continue; }
                auto const layer_fields = overrides.fields(key);
                for (auto const& [word, value] : entry.items())
                {
                    if (word == "head_dim" || word == "num_key_value_heads") { continue; }
                    auto const* general = fields.find(word);
                    if (!general || *general != value)
                    {
                        throw mismatch_error(
                            sentence(fields.file(), ": ", layer_fields.field(in_quotes(word)),
                                     " differs from the general value, which is not supported"));
                    }
                }
            }

            auto& text = out.text;
            bool first_global = true;
            for (std::size_t l = 0; l != out.global.size(); ++l)
            {
                auto const place = key_of.find(l);
                auto const key = place == key_of.end() ? std::to_string(l) : place->second;
                auto const read = [&](std::string_view word, std::size_t general)
                { return overrides.find(key) ? overrides.fields(key).size(word, general) : general; };
                auto const head_dim = read("head_dim", text.head_dim);
                auto const kv_heads = read("num_key_value_heads", text.kv_heads);
                if (out.global[l] && first_global)
                {
                    text.global_head_dim = head_dim;
                    text.global_kv_heads = kv_heads;
                    out.global_head_dim_field = overrides.field(key) + ".head_dim";
                    out.global_kv_heads_field = overrides.field(key) + ".num_key_value_heads";
                    first_global = false;
                    continue;
                }
                auto const expect = [&](std::string_view word, std::size_t found, std::size_t expected)
                {
                    if (found == expected) { return; }
                    throw mismatch_error(sentence(fields.file(), ": ", overrides.field(key), ".", word,
                                                  " is ", found, ", but other layers of its type have ",
                                                  expected));
                };
                expect("head_dim", head_dim, out.global[l] ? text.global_head_dim : text.head_dim);
                expect("num_key_value_heads", kv_heads, out.global[l] ? text.global_kv_heads : text.kv_heads);
            }
            if (first_global)
            {
                text.global_head_dim = text.head_dim;
                text.global_kv_heads = text.kv_heads;
            }
            if (fields.size("global_head_dim", text.global_head_dim) != text.global_head_dim)
            {
                throw mismatch_error(sentence(fields.file(), ": ", fields.field("global_head_dim"), " is ",
                                              fields.size("global_head_dim"), ", but ",
                                              out.global_head_dim_field, " is ", text.global_head_dim));
            }
        }

        inline void read_released_globals(json_fields const& fields, text_fields& out)
        {
            auto& text = out.text;
            text.global_head_dim = fields.size("global_head_dim", 512);
            out.global_head_dim_field = fields.field("global_head_dim");
            bool const own = text.value_is_key && fields.find("num_global_key_value_heads");
            auto const key = own ? "num_global_key_value_heads" : "num_key_value_heads";
            text.global_kv_heads = fields.size(key);
            out.global_kv_heads_field = fields.field(key);
        }

        inline void read_mixture(json_fields const& fields, text_config& text)
        {
            if (!fields.boolean("enable_moe_block", false)) { return; }
            text.experts = fields.size("num_experts");
            text.active_experts = fields.size("top_k_experts");
            text.expert_ffn = fields.size("moe_intermediate_size");
        }

        inline text_fields read_text_fields(nlohmann::json const& config, std::string_view file)
        {
            json_fields const top(config, file);
            bool const nested = top.find("text_config") != nullptr;
            auto const& model_type = top.text("model_type");
            if (model_type != "gemma4" && model_type != "gemma4_text")
            {
                unsupported(top, "model_type", "\"gemma4\" or \"gemma4_text\"");
            }
            if (model_type == "gemma4" && !nested) { top.get("text_config"); }    // missing: throws
            auto const fields = nested ? top.fields("text_config") : top;

            for (auto const* part : {&top, &fields})
            {
                part->boolean("tie_word_embeddings",
                              true);    // either will do, but a word or number will not
                if (part->find("quantization_config"))
                {
                    read_quantisation(part->fields("quantization_config"));
                }
            }
            if (nested) { require_word(fields, "model_type", "gemma4_text"); }
            require_word(fields, "hidden_activation", "gelu_pytorch_tanh");
            require_flag(fields, "attention_bias", false);

            text_fields out;
            out.prefix = fields.field({});
            auto& text = out.text;
            text.vocab = fields.size("vocab_size");
            text.hidden = fields.size("hidden_size");
            text.layers = fields.size("num_hidden_layers");
            if (text.layers == 0 || text.layers > max_layers)
            {
                throw file_error(sentence(file, ": ", fields.field("num_hidden_layers"), " is ", text.layers,
                                          ", expected 1 to ", max_layers));
            }
            out.global = read_layer_types(fields, text.layers);
            text.heads = fields.size("num_attention_heads");
            text.kv_heads = fields.size("num_key_value_heads");
            text.head_dim = fields.size("head_dim");
            text.window = fields.size("sliding_window");
            text.ffn = fields.size("intermediate_size");
            text.max_positions = fields.size("max_position_embeddings", 131072);
            text.softcap = fields.number("final_logit_softcapping", 0.0f);
            auto const demand_positive = [&](std::string_view key, bool good)
            {
                if (good) { return; }
                throw file_error(sentence(file, ": ", fields.field(key), " is ", fields.get(key).dump(),
                                          ", expected more than 0"));
            };
            demand_positive("max_position_embeddings", text.max_positions != 0);
            demand_positive("final_logit_softcapping",
                            !fields.find("final_logit_softcapping") || text.softcap > 0);
            text.norm_eps = fields.number("rms_norm_eps", 1e-6f);

            text.kv_shared_layers = fields.size("num_kv_shared_layers", 0);
            if (text.kv_shared_layers >= text.layers)
            {
                throw mismatch_error(sentence(file, ": ", fields.field("num_kv_shared_layers"), " is ",
                                              text.kv_shared_layers, ", expected fewer than the ",
                                              text.layers, " layers"));
            }
            bool const double_wide = fields.boolean("use_double_wide_mlp", false);
            text.shared_ffn = double_wide && text.kv_shared_layers != 0 ? 2 * text.ffn : 0;

            text.per_layer_input = fields.size("hidden_size_per_layer_input", 256);
            if (text.per_layer_input != 0 && fields.size("vocab_size_per_layer_input", 262144) != text.vocab)
            {
                throw mismatch_error(sentence(file, ": ", fields.field("vocab_size_per_layer_input"), " is ",
                                              fields.size("vocab_size_per_layer_input", 262144),
                                              ", only the value of vocab_size, ", text.vocab,
                                              ", is supported"));
            }

            text.value_is_key = fields.boolean("attention_k_eq_v", false);
            if (auto const* both_ways = fields.find("use_bidirectional_attention"))
            {
                if (!both_ways->is_string())
                {
                    fields.wrong("use_bidirectional_attention", "a string", *both_ways);
                }
                if (*both_ways != "vision")
                {
                    unsupported(fields, "use_bidirectional_attention", "null or \"vision\"");
                }
                text.media_both_ways = true;
            }
            read_rope(fields, text);
            read_mixture(fields, text);
            if (fields.find("per_layer_config")) { read_per_layer_config(fields, out); }
            else { read_released_globals(fields, out); }
            return out;
        }

        // One way to write "the KV-shared layers are as wide as the others": 0.
        constexpr text_config normal_form(text_config text)
        {
            if (text.kv_shared_layers == 0 || text.shared_ffn == text.ffn) { text.shared_ffn = 0; }
            return text;
        }

        constexpr std::string_view layer_type(bool global)
        {
            return global ? "full_attention" : "sliding_attention";
        }

        // The first layer whose type differs from the schedule "every n-th layer is global", or the number of
        // layers.
        inline std::size_t first_off_schedule(std::vector<bool> const& global, std::size_t every)
        {
            std::size_t l = 0;
            while (l != global.size() && global[l] == ((l + 1) % every == 0)) { ++l; }
            return l;
        }
    }

    // The numbers of the text decoder that config.json describes; `file` is its name in errors. file_error: a
    // field is missing or of the wrong JSON type. mismatch_error: an option that no variant of ours can
    // honour.
    inline text_config read_text_config(nlohmann::json const& config, std::string_view file)
    {
        auto const fields = detail::read_text_fields(config, file);
        auto const first = std::find(fields.global.begin(), fields.global.end(), true);    // the last one is
        auto text = fields.text;
        text.global_every = static_cast<std::size_t>(first - fields.global.begin()) + 1;
        if (auto const l = detail::first_off_schedule(fields.global, text.global_every); l != text.layers)
        {
            throw mismatch_error(sentence(file, ": ", fields.prefix, "layer_types[", l, "] is ",
                                          detail::layer_type(fields.global[l]),
                                          ", only a schedule where every n-th layer is",
                                          " full_attention (here n = ", text.global_every, ") is supported"));
        }
        return text;
    }

    // max_position_embeddings. Errors as read_text_config.
    inline std::size_t positions_of(nlohmann::json const& config, std::string_view file)
    {
        return detail::read_text_fields(config, file).text.max_positions;
    }

    // The fields in which config.json and the compiled variant differ, in config.json's words; and all errors
    // of read_text_config but those of a schedule. max_position_embeddings is not compared: nothing is
    // computed from it, it is the most positions that a conversation may have.
    inline config_differences text_differences(text_config const& compiled, nlohmann::json const& config,
                                               std::string_view file)
    {
        auto const fields = detail::read_text_fields(config, file);
        auto const& found = fields.text;
        config_differences all;
        auto const same_field = [&](std::string_view field, auto is, auto expected)
        { add_difference(all, field, is, expected); };
        auto const same = [&](std::string_view key, auto is, auto expected)
        { same_field(fields.prefix + std::string(key), is, expected); };

        same("num_hidden_layers", found.layers, compiled.layers);
        if (auto const l = detail::first_off_schedule(fields.global, compiled.global_every);
            l != found.layers)
        {
            same(sentence("layer_types[", l, "]"), detail::layer_type(fields.global[l]),
                 detail::layer_type(!fields.global[l]));
        }
        same("hidden_size", found.hidden, compiled.hidden);
        same("num_attention_heads", found.heads, compiled.heads);
        same("num_key_value_heads", found.kv_heads, compiled.kv_heads);
        same("head_dim", found.head_dim, compiled.head_dim);
        same("attention_k_eq_v", found.value_is_key, compiled.value_is_key);
        same_field(fields.global_kv_heads_field, found.global_kv_heads, compiled.global_kv_heads);
        same_field(fields.global_head_dim_field, found.global_head_dim, compiled.global_head_dim);
        same("sliding_window", found.window, compiled.window);
        same("intermediate_size", found.ffn, compiled.ffn);
        same("num_kv_shared_layers", found.kv_shared_layers, compiled.kv_shared_layers);
        auto const shared_width = [](text_config const& text)
        {
            auto const width = detail::normal_form(text).shared_ffn;
            return width == 0 ? text.ffn : width;
        };
        if (shared_width(found) != shared_width(compiled))
        {
            all.push_back({fields.prefix + "use_double_wide_mlp",
                           sentence(found.shared_ffn != 0, " (width ", shared_width(found),
                                    " in the KV-shared layers)"),
                           sentence("width ", shared_width(compiled), " there")});
        }
        same("vocab_size", found.vocab, compiled.vocab);
        same("hidden_size_per_layer_input", found.per_layer_input, compiled.per_layer_input);
        same("enable_moe_block", found.experts != 0, compiled.experts != 0);
        same("num_experts", found.experts, compiled.experts);
        same("top_k_experts", found.active_experts, compiled.active_experts);
        same("moe_intermediate_size", found.expert_ffn, compiled.expert_ffn);
        auto const both_ways = [](bool is) { return std::string_view(is ? "\"vision\"" : "null"); };
        same("use_bidirectional_attention", both_ways(found.media_both_ways),
             both_ways(compiled.media_both_ways));
        same("rope_parameters.sliding_attention.rope_theta", found.rope_theta, compiled.rope_theta);
        same("rope_parameters.full_attention.rope_theta", found.global_rope_theta,
             compiled.global_rope_theta);
        same("rope_parameters.full_attention.partial_rotary_factor", found.global_rotated,
             compiled.global_rotated);
        auto const cap = [](float softcap) { return softcap == 0 ? "null (no cap)" : sentence(softcap); };
        same("final_logit_softcapping", cap(found.softcap), cap(compiled.softcap));
        same("rms_norm_eps", found.norm_eps, compiled.norm_eps);
        auto const there = [](bool is) { return std::string_view(is ? "there" : "absent"); };
        auto const own = [&](std::string_view what, auto is, auto expected)
        { same_field(sentence(what, " in its architecture"), is, expected); };
        own("the norm of values", there(found.value_norm), there(compiled.value_norm));
        own("the scalar of a layer", there(found.layer_scalar), there(compiled.layer_scalar));
        own("the scale of queries", found.query_scale, compiled.query_scale);
        return all;
    }

    // mismatch_error for the first field where config.json and the compiled variant differ, in config.json's
    // words, with both values; and all errors of read_text_config.
    inline void check_text_config(text_config const& compiled, std::string_view variant_name,
                                  nlohmann::json const& config, std::string_view file)
    {
        refuse_difference(text_differences(compiled, config, file), file, variant_name);
    }

    // Whether config.json describes this variant. Any error (a broken file, an unsupported option) is also a
    // "no": check_text_config says why.
    inline bool matches(text_config const& compiled, nlohmann::json const& config)
    {
        try
        {
            return text_differences(compiled, config, "config.json").empty();
        }
        catch (error const&)
        {
            return false;
        }
    }

    // The placeholders of config.json: of Gemma4ForConditionalGeneration (model_type "gemma4"), those in the
    // vocabulary, with transformers' ids where the file names none. file_error: an id of the wrong type;
    // mismatch_error: a pad token beyond the vocabulary.
    inline placeholder_tokens read_placeholder_tokens(nlohmann::json const& config, std::string_view file,
                                                      text_config const& compiled)
    {
        json_fields const top(config, file);
        placeholder_tokens read;
        if (top.text("model_type") != "gemma4") { return read; }
        auto const text = top.fields("text_config");
        auto const pad = text.size("pad_token_id", 0);
        if (pad >= compiled.vocab)
        {
            throw mismatch_error(sentence(file, ": text_config.pad_token_id is ", pad,
                                          ", expected less than the ", compiled.vocab, " tokens"));
        }
        read.pad = token_id(pad);
        auto* to = read.ids.data();
        for (auto const& [field, usual] :
             {std::pair{"image_token_id", 258880u}, {"video_token_id", 258884u}, {"audio_token_id", 258881u}})
        {
            if (auto const id = top.size(field, usual); id < compiled.vocab) { *to = token_id(id); }
            ++to;
        }
        return read;
    }
}
