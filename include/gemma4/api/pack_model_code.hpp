// What api/pack_model.hpp declares (core/separate.hpp).
#pragma once

#include <gemma4/api/pack_model.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/gguf_file.hpp>

namespace gemma4::inline v0::detail
{
    GEMMA4_CODE void add_texts(packed_writer& file, opened_checkpoint const& from)
    {
        if (from.gguf)
        {
            auto const head = from.gguf->metadata_bytes();
            file.add_text("metadata.gguf", {reinterpret_cast<char const*>(head.data()), head.size()});
            return;
        }
        for (auto const* const name :
             {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
              "chat_template.jinja", "processor_config.json"})
        {
            auto const path = from.folder / name;
            if (is_there(path)) { file.add_text(name, file_bytes(path).text()); }
        }
    }
}
