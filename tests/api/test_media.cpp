// Whole models with images, sound and video: against transformers (tools/reference/make_media_cases.py).
#include <numeric>
#include <type_traits>

#include "support/media_cases.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/batch.hpp>
#include <gemma4/api/session.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    template <text_model M>
    using exact_engine = engine<M, all_modalities<M>, any_format, exact>;

    // With towers and a chat template.
    template <text_model M>
    std::filesystem::path folder_of()
    {
        auto const folder = tiny_checkpoint(M::name, "media", {});
        auto const form = data() / ".." / ".." / "models" / "nano" / "chat_template.jinja";
        std::filesystem::copy_file(form, folder / "chat_template.jinja",
                                   std::filesystem::copy_options::skip_existing);
        return folder;
    }

    template <text_model M>
    exact_engine<M> const& model()
    {
        static auto const loaded =
            exact_engine<M>::load(folder_of<M>(), {.context = 1024, .chunk = 1024, .threads = 1});
        return loaded;
    }

    generation_options at_most(std::size_t n) { return {.stop = {.max_tokens = n}}; }

    template <class Run>
    std::vector<token_id> made(Run& run)
    {
        run.rest();
        return {run.tokens().begin(), run.tokens().end()};
    }

    double log_sum_exp(std::span<float const> row)
    {
        double const top = *std::ranges::max_element(row);
        return top
               + std::log(std::accumulate(row.begin(), row.end(), 0.0,
                                          [&](double sum, float x)
                                          { return sum + std::exp(double(x) - top); }));
    }

    template <class M>
    media_case case_of(std::string const& name)
    {
        for (auto const& one : media_cases(M::name))
        {
            if (one.name() == name) { return one; }
        }
        throw argument_error("no case " + name);
    }

    template <class M>
    token_prompt prompt_of(std::string const& name)
    {
        return case_of<M>(name).prompt(model<M>());
    }
}

TEST_CASE_TEMPLATE("logits of prompts with media are the reference's", M, tiny_e2b, tiny_e4b, tiny_a4b,
                   tiny_d31b)
{
    double worst = 0;
    for (auto const& one : media_cases(M::name))
    {
        CAPTURE(one.name());
        auto const media = one.media(model<M>());
        for (std::size_t i = 0; i != media.size(); ++i)
        {
            CHECK(media[i]->item.soft_tokens
                  == one.row.at("media").at(i).at("soft_tokens").template get<std::vector<std::size_t>>());
        }
        auto const prompt = one.prompt(model<M>(), media);
        REQUIRE(prompt.tokens == one.ids());
        auto const logits = all_logits(model<M>(), prompt, 1024);
        REQUIRE(logits.size() == one.ids().size() * M::text.vocab);

        std::vector<float> found;
        for (std::size_t const row : one.row.at("stored"))
        {
            for (std::size_t c = 0; c < M::text.vocab; c += one.every)
            {
                found.push_back(logits[row * M::text.vocab + c]);
            }
        }
        REQUIRE(found.size() == one.stored.size());
        double off = 0;
        for (std::size_t i = 0; i != found.size(); ++i)
        {
            off = std::max(off, std::abs(double(found[i]) - double(one.stored[i])));
        }
        off /= one.largest();
        MESSAGE(std::string(M::name), ", ", one.name(), ": ", off);
        CHECK(off <= 1e-5);
        worst = std::max(worst, off);

        // every row: its sum and its best token
        double sums = 0;
        for (std::size_t r = 0; r != one.log_sum_exp.size(); ++r)
        {
            auto const row = std::span(logits).subspan(r * M::text.vocab, M::text.vocab);
            sums = std::max(sums, std::abs(log_sum_exp(row) - double(one.log_sum_exp[r])));
            auto const best = row[one.row.at("argmax").at(r).template get<std::size_t>()];
            CHECK(double(best) >= double(*std::ranges::max_element(row)) - 2e-5 * one.largest());
        }
        CHECK(sums <= 1e-5 * one.largest());
    }
    MESSAGE(std::string(M::name), ", worst: ", worst);
}

TEST_CASE_TEMPLATE("the same bits for every chunk, whatever lies across its end", M, tiny_e2b, tiny_e4b,
                   tiny_a4b, tiny_d31b)
{
    for (auto const& one : media_cases(M::name))
    {
        CAPTURE(one.name());
        auto const prompt = one.prompt(model<M>());
        auto const whole = all_logits(model<M>(), prompt, 1024);
        for (std::size_t const chunk : {1u, 7u, 64u, 128u})
        {
            CAPTURE(chunk);
            CHECK(all_logits(model<M>(), prompt, chunk) == whole);
        }
    }
}

TEST_CASE_TEMPLATE("greedy continuations are the reference's, alone and together, with small chunks too", M,
                   tiny_e2b, tiny_e4b, tiny_a4b, tiny_d31b)
{
    auto const cases = media_cases(M::name);
    auto const small = exact_engine<M>::load(folder_of<M>(), {.context = 1024, .chunk = 16, .threads = 1});
    for (auto const& loaded : {model<M>(), small})
    {
        using E = exact_engine<M>;
        std::vector<session<E>> sessions(cases.size() + 1, session<E>(loaded));
        std::vector<std::unique_ptr<generation<E>>> runs;
        batch<E> together(loaded);
        for (std::size_t i = 0; i != cases.size(); ++i)
        {
            auto const prompt = cases[i].prompt(loaded);
            session<E> alone(loaded);
            auto run = alone.complete(prompt, at_most(8));
            CAPTURE(cases[i].name());
            CHECK(made(run) == cases[i].greedy());
            CHECK(run.used().prompt_tokens == cases[i].ids().size());
            runs.push_back(
                std::unique_ptr<generation<E>>(new generation<E>(sessions[i].complete(prompt, at_most(8)))));
        }
        std::vector<token_id> const text{2, 700, 701, 702, 703};    // a member without media
        runs.push_back(std::unique_ptr<generation<E>>(
            new generation<E>(sessions[cases.size()].complete(text, at_most(8)))));
        for (auto const& run : runs) { together.join(*run); }
        together.run();
        for (std::size_t i = 0; i != cases.size(); ++i)
        {
            CAPTURE(cases[i].name());
            CHECK(made(*runs[i]) == cases[i].greedy());
        }
        session<E> alone(loaded);
        auto run = alone.complete(text, at_most(8));
        CHECK(made(*runs.back()) == made(run));
    }
}

TEST_CASE("a batch has room for a picture beside a full chunk, however short the context")
{
    using M = tiny_a4b;
    using E = exact_engine<M>;
    auto const tight = E::load(folder_of<M>(), {.context = 96, .chunk = 64, .threads = 1});
    auto const one = case_of<M>("one");
    session<E> a(tight), b(tight);
    auto run_a = a.complete(std::vector<token_id>(60, 700), at_most(8));
    auto run_b = b.complete(one.prompt(tight), at_most(8));
    batch<E> together(tight);
    together.join(run_b);
    together.step();    // up to the picture
    together.join(run_a);
    together.run();
    CHECK(made(run_b) == one.greedy());
}

TEST_CASE_TEMPLATE("a conversation about an image: what was run before is not run again", M, tiny_e2b,
                   tiny_d31b)
{
    using E = exact_engine<M>;
    auto const a = encode_image(model<M>(), media_image("a", 96, 64), 70);
    auto const other = encode_image(model<M>(), media_image("e", 96, 64), 70);
    REQUIRE(a->item.soft_tokens == other->item.soft_tokens);
    session<E> s(model<M>());
    auto first = s.ask("What is this?", {a}, at_most(4));
    CHECK(first.used().cached_tokens == 0);
    auto const answer = made(first);
    auto const placeholder = *model<M>().tokens().find("<|image|>");
    auto const soft = a->item.soft_tokens[0];
    auto const before = s.tokens().size();
    CHECK(std::size_t(std::ranges::count(s.tokens(), placeholder)) == soft);

    auto forked = s;
    auto second = s.ask("And now?", at_most(4));
    // all but the answer's last token, which was never run, unless its end is written with other tokens
    CHECK(second.used().cached_tokens > soft);
    CHECK(second.used().cached_tokens >= before - answer.size() - 1);
    auto const second_answer = made(second);
    auto of_fork = forked.ask("And now?", at_most(4));
    CHECK(of_fork.used().cached_tokens == second.used().cached_tokens);
    CHECK(made(of_fork) == second_answer);

    // the same from nothing
    session<E> fresh(model<M>());
    turn past(s.messages(), {a});
    past.messages.pop_back();    // the second answer
    fresh.set_messages(past);
    auto again = fresh.send(turn(), at_most(4));
    CHECK(again.used().cached_tokens == 0);
    CHECK(made(again) == second_answer);

    // another image with as many tokens is another past
    session<E> changed(s);
    changed.set_messages(turn());
    auto about_other = changed.ask("What is this?", {other}, at_most(4));
    auto const at = std::size_t(std::ranges::find(changed.tokens(), placeholder) - changed.tokens().begin());
    CHECK(about_other.used().cached_tokens <= at);
    session<E> new_one(model<M>());
    auto about_other_alone = new_one.ask("What is this?", {other}, at_most(4));
    CHECK(made(about_other) == made(about_other_alone));

    // two images in two turns, the soft tokens of each in its place
    session<E> two(model<M>());
    two.ask("One", {a}, at_most(2)).rest();
    auto both = two.ask("Two", {other}, at_most(4));
    CHECK(both.used().cached_tokens > soft);
    auto const stepwise = made(both);
    session<E> at_once(model<M>());
    past = turn(two.messages(), {a, other});
    past.messages.pop_back();
    at_once.set_messages(past);
    auto whole = at_once.send(turn(), at_most(4));
    CHECK(made(whole) == stepwise);
}

TEST_CASE("pictures side by side are one block, also when another one takes the place of the second")
{
    using M = tiny_d31b;
    using E = exact_engine<M>;
    auto const one = case_of<M>("joined");
    auto media = one.media(model<M>());
    auto const joined = one.prompt(model<M>(), media);
    session<E> s(model<M>());
    s.complete(joined, at_most(1)).rest();
    media[1] = encode_image(model<M>(), media_image("f", 48, 480), 70);
    auto const changed = one.prompt(model<M>(), media);
    REQUIRE(changed.tokens == joined.tokens);
    auto run = s.complete(changed, at_most(8));
    CHECK(run.used().cached_tokens <= changed.soft[0].first);
    session<E> fresh(model<M>());
    auto alone = fresh.complete(changed, at_most(8));
    CHECK(made(run) == made(alone));

    // the first alone, then with a neighbour
    auto first = changed;
    first.soft.pop_back();
    first.tokens.resize(first.soft[0].end());
    first.tokens.insert(first.tokens.end(), {700, 701, 702});
    s.complete(first, at_most(1)).rest();
    auto grown = s.complete(changed, at_most(8));
    CHECK(grown.used().cached_tokens <= changed.soft[0].first);
    CHECK(made(grown) == made(alone));
}

TEST_CASE("wrong media are refused before anything changes")
{
    using M = tiny_e2b;
    using E = exact_engine<M>;
    auto const a = encode_image(model<M>(), media_image("a", 96, 64), 70);
    session<E> s(model<M>());
    s.ask("Hello", at_most(2)).rest();
    std::vector const before(s.tokens().begin(), s.tokens().end());
    turn two = user_turn("x", {a});
    two.media.push_back(a);
    CHECK_THROWS_WITH_AS(s.send(two, at_most(1)),
                         "the prompt has 1 placeholder <|image|>, but 2 images were given", argument_error);
    two.media.clear();
    CHECK_THROWS_WITH_AS(s.send(two, at_most(1)),
                         "the prompt has 1 placeholder <|image|>, but 0 images were given", argument_error);
    auto const of_another = encode_image(model<tiny_e4b>(), media_image("a", 96, 64), 70);
    CHECK_THROWS_WITH_AS(s.ask("x", {of_another}, at_most(1)),
                         "soft tokens are 160 wide, but tiny_e2b is 96: another model has encoded them",
                         argument_error);
    CHECK_THROWS_AS(encode_image(model<M>(), media_image("a", 96, 64), 100), argument_error);
    CHECK_THROWS_AS(encode_video(model<M>(), {}), argument_error);
    CHECK(std::vector(s.tokens().begin(), s.tokens().end()) == before);
    auto run = s.ask("What now?", at_most(2));    // the media of refused turns are not there
    CHECK(std::ranges::count(s.tokens(), *model<M>().tokens().find("<|image|>")) == 0);
    run.rest();
}

TEST_CASE("a text engine has no towers: none is loaded, none is planned, none can be asked")
{
    auto const folder = folder_of<tiny_e2b>();
    auto const deaf = engine<tiny_e2b, modality::text, any_format, exact>::load(folder, one_thread());
    auto const seeing =
        engine<tiny_e2b, modality::text | modality::image, any_format, exact>::load(folder, one_thread());
    auto const all = exact_engine<tiny_e2b>::load(folder, one_thread());
    CHECK(deaf.plan().towers == 0);
    CHECK(seeing.plan().towers > 0);
    CHECK(all.plan().towers > seeing.plan().towers);
    CHECK(deaf.plan().weights.mapped < seeing.plan().weights.mapped);
    CHECK(seeing.plan().weights.mapped < all.plan().weights.mapped);
    CHECK(all.plan().full() >= all.plan().weights.all() + all.plan().towers);

    auto const sees = [](auto const& e) { return requires(image_patches p) { e.encode(p); }; };
    auto const hears = [](auto const& e) { return requires(audio_features f) { e.encode(f); }; };
    CHECK_FALSE(sees(deaf));
    CHECK_FALSE(hears(deaf));
    CHECK(sees(seeing));
    CHECK_FALSE(hears(seeing));
    CHECK(sees(all));
    CHECK(hears(all));
}

TEST_CASE("towers that a host leaves out are as if they were not there")
{
    auto const folder = folder_of<tiny_e2b>();
    auto options = one_thread();
    options.media = modality::text | modality::image;
    auto const deaf = exact_engine<tiny_e2b>::load(folder, options);
    CHECK(deaf.loaded_media() == *options.media);
    CHECK_NOTHROW(encode_image(deaf, media_image("a", 96, 64), 70));
    CHECK_THROWS_WITH_AS(encode_audio(deaf, audio_signal("mixed", 16000)),
                         "tiny_e2b was given a sound, but it was loaded without its ears", argument_error);
    options.media = modality::text;
    auto const text = exact_engine<tiny_e2b>::load(tiny_checkpoint("tiny_e2b"), options);    // has none
    CHECK(text.plan().towers == 0);
    CHECK(text.plan().full() < deaf.plan().full());
    CHECK_THROWS_WITH_AS(encode_image(text, media_image("a", 96, 64), 70),
                         "tiny_e2b was given an image, but it was loaded without its eyes", argument_error);
    options.media.reset();
    CHECK_THROWS_AS(exact_engine<tiny_e2b>::load(tiny_checkpoint("tiny_e2b"), options), mismatch_error);
}

TEST_CASE("encoding reports its layers and can be cancelled")
{
    using M = tiny_d31b;
    std::size_t last = 0;
    encode_options options;
    options.progress = [&](std::size_t done, std::size_t of)
    {
        CHECK(of == M::vision.layers);
        last = done;
    };
    auto const image = media_image("a", 96, 64);
    auto const whole = encode_image(model<M>(), image, 70, options);
    CHECK(last == M::vision.layers);
    std::stop_source stop;
    options.stop = stop.get_token();
    options.progress = [&](std::size_t, std::size_t) { stop.request_stop(); };
    CHECK_THROWS_AS(encode_image(model<M>(), image, 70, options), cancelled_error);
    CHECK(encode_image(model<M>(), image, 70)->runs[0]->values == whole->runs[0]->values);
}

TEST_CASE_TEMPLATE("a conversation about a picture goes on from a file with the same bits, past the window",
                   M, tiny_e2b, tiny_d31b)
{
    using E = exact_engine<M>;
    auto const path = scratch() / (std::string(M::name) + "-picture.state");
    auto const logits_of = [](session<E>& s, turn said, std::size_t count)
    {
        std::vector<float> all;
        auto const see = [&](std::span<float> logits, std::span<token_id const>)
        { all.insert(all.end(), logits.begin(), logits.end()); };
        auto run = s.send(std::move(said), at_most(count), see);
        (void)run.rest();
        return all;
    };
    auto const picture = encode_image(model<M>(), media_image("a", 96, 64), 70);
    auto const clip_or_other = [&]() -> medium
    {
        if constexpr (has(E::media, modality::audio))
        {
            return encode_audio(model<M>(), audio_signal("clip", 16000));
        }
        else { return encode_image(model<M>(), media_image("e", 64, 64), 70); }
    }();

    for (std::size_t const answer : {3u, 40u})    // 40: the picture is behind the window
    {
        CAPTURE(answer);
        session<E> never_stopped(model<M>());
        (void)logits_of(never_stopped, user_turn("What is this?", {picture}), answer);
        never_stopped.save(path);
        CHECK((answer < 40 || never_stopped.tokens().size() > M::text.window + 40));

        session<E> loaded(model<M>());
        loaded.load(path);
        CHECK(loaded.messages() == never_stopped.messages());
        CHECK(std::ranges::equal(loaded.tokens(), never_stopped.tokens()));
        CHECK(loaded.past().size() == never_stopped.past().size());

        // on with the same picture behind, then with one more medium
        auto expected = logits_of(never_stopped, user_turn("And now?"), 6);
        auto found = logits_of(loaded, user_turn("And now?"), 6);
        REQUIRE(expected.size() == 6 * M::text.vocab);
        CHECK(std::ranges::equal(std::as_bytes(std::span(found)), std::as_bytes(std::span(expected))));
        expected = logits_of(never_stopped, user_turn("And this?", {clip_or_other}), 6);
        found = logits_of(loaded, user_turn("And this?", {clip_or_other}), 6);
        CHECK(std::ranges::equal(std::as_bytes(std::span(found)), std::as_bytes(std::span(expected))));

        // saved again it is the same conversation
        loaded.save(path);
        session<E> again(model<M>());
        again.load(path);
        expected = logits_of(never_stopped, user_turn("Last?"), 3);
        CHECK(logits_of(again, user_turn("Last?"), 3) == expected);
    }
}
