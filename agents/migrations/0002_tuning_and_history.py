import agents.phrases
import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='turnsettings',
            name='answer_window_ms',
            field=models.PositiveIntegerField(default=1000, help_text='Speech within the last part of a reply that is too short to stop the agent is an answer: the reply ends undisturbed and what was said is answered after it, however short it was. 0: short words at the end of a question are dropped like any other. Too long: words that were no answer get one too.\n0 to 5000 ms. Default 1000 ms: people answer a question into its last words, and mostly with one word.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s the agent answers nearly every short word that was said over it.')], verbose_name='answers into the last words'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='backchannel_phrases',
            field=models.TextField(blank=True, default='', help_text="One on each line. The agent talks on when the caller says nothing but these. Leave out what answers your agent's questions: an answer given while it still speaks would be lost. Empty: the list of the agent's language.", validators=[agents.phrases.check], verbose_name='words of listening'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='call_warning',
            field=models.CharField(blank=True, default='We have one minute left.', help_text='What the caller hears then, spoken exactly so. Empty: no warning.', max_length=400, verbose_name='words of the warning'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='call_warning_s',
            field=models.PositiveIntegerField(default=60, help_text='So long before the longest call ends the caller is told. 0: the call ends without a word.\n0 to 600 s. Default 60 s: time to finish a sentence and say goodbye.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 s.'), django.core.validators.MaxValueValidator(600, 'A warning more than 10 minutes ahead is forgotten when the call ends.')], verbose_name='warned before the end'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='decide_by_ms',
            field=models.PositiveIntegerField(default=1200, help_text='Speech that lasts this long stops the agent, however soft it is and whatever is said; noise and the agent\'s echo never do. Longer: a caller who really wants to interrupt has to talk over the agent for so long.\n300 to 5000 ms. Default 1200 ms: who speaks for longer than that wants to be heard.', validators=[django.core.validators.MinValueValidator(300, 'Below 300 ms a cough is decided on before it has ended, and stops the agent.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s a caller whom the evidence fails shouts at an agent that talks on.')], verbose_name='decided at the latest after'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='echo_guard',
            field=models.FloatField(default=0.7, help_text='Sound as like as this to what the agent is saying is its own echo, and does not stop it. Lower: callers on a speakerphone are less troubled, and a caller who talks over the agent may be taken for an echo for as long as they talk. 0: off.\n0 to 1. Default 0.7: an echo of the agent is nearly always more like it, and another voice less.', validators=[django.core.validators.MinValueValidator(0.0, 'It cannot be below 0; 0 switches the guard off.'), django.core.validators.MaxValueValidator(1, 'A likeness is at most 1; just below it no echo is recognised, and the agent stops itself.')], verbose_name='guard against echo'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='grace_ms',
            field=models.PositiveIntegerField(default=0, help_text='At the start of each reply nothing stops the agent yet. Against callers who say one more word after their question. Too long: it cannot be stopped when it begins wrongly.\n0 to 5000 ms. Default 0 ms: callers also stop an agent at its first word, and are right to.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s the agent seems not to listen at all.')], verbose_name='no interruption at first for'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='idle_goodbye',
            field=models.CharField(blank=True, default='I cannot hear you any more. Goodbye.', help_text='The last words before we hang up, when nobody answered. Empty: the call stays open, and is paid for.', max_length=400, verbose_name='words of the goodbye'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='idle_prompt',
            field=models.CharField(blank=True, default='Are you still there?', help_text='What the caller hears after the silence, spoken exactly so.', max_length=400, verbose_name='words of the question'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='idle_prompt_ms',
            field=models.PositiveIntegerField(default=12000, help_text='Silence of both sides after which the agent asks whether the caller is there. Too short: it disturbs who looks for a card. 0: never, otherwise 3000 ms or more.\n0 to 120000 ms. Default 12000 ms: time to find a card or a pen, and not yet long enough to think the line is dead.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(120000, 'After two minutes of silence the caller has hung up, or believes that we have.')], verbose_name='ask after a silence of'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='idle_prompts_max',
            field=models.PositiveIntegerField(default=2, help_text='So often in a row the caller is asked. When the last question has no answer either, the agent says goodbye and hangs up.\n1 to 10 times. Default 2 times: who does not answer twice is not there.', validators=[django.core.validators.MinValueValidator(1, 'To ask less than once, set the silence to 0.'), django.core.validators.MaxValueValidator(10, 'More than 10 times in a row is no question any more.')], verbose_name='ask at most'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='ignore_backchannels',
            field=models.BooleanField(default=True, help_text='The agent talks on through words of listening. Off: each “okay” of a friendly caller stops it. Needs the words while they are spoken, from a transcription model that gives them early.\nDefault on: “mm-hm” says: go on.', verbose_name='“mm-hm” is no interruption'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='interrupt_phrases',
            field=models.TextField(blank=True, default='', help_text="One on each line. These stop the agent at once, however short they are. Empty: the list of the agent's language.", validators=[agents.phrases.check], verbose_name='words that stop the agent'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='max_call_s',
            field=models.PositiveIntegerField(default=3600, help_text='After this the agent hangs up. 0: we set no limit.\n0 to 43200 s. Default 3600 s: the model ends its session after 60 minutes in any case.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 s.'), django.core.validators.MaxValueValidator(43200, 'Above 12 hours it is no limit; 0 says so.')], verbose_name='longest call'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='min_loudness_db',
            field=models.FloatField(default=6.0, help_text="How far over the line's own noise a sound must be to stop the agent. Higher: television and voices in the room stop it less, and soft callers have to speak up, or to talk on until it is decided at the latest. 0: loudness does not count.\n0 to 40 dB. Default 6 dB: twice the line's own noise: who speaks into the phone is far above it.", validators=[django.core.validators.MinValueValidator(0.0, 'It cannot be below 0 dB; 0 leaves loudness out.'), django.core.validators.MaxValueValidator(40, 'Above 40 dB over the noise even a shout on a phone line does not stop the agent.')], verbose_name='louder than the line by'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='patience_email_ms',
            field=models.PositiveIntegerField(default=1500, help_text='Waited in addition when the agent has asked for an e-mail address. Too little: it answers before the “at”.\n0 to 10000 ms. Default 1500 ms: an address is spelled in part, and its pauses are long.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(10000, 'Above 10 s callers think the line is dead.')], verbose_name='more patience: e-mail'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='patience_number_ms',
            field=models.PositiveIntegerField(default=1000, help_text='Waited in addition when the agent has asked for a number. Too little: it answers between two groups of digits.\n0 to 10000 ms. Default 1000 ms: people read numbers in groups, with a breath between.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(10000, 'Above 10 s callers think the line is dead.')], verbose_name='more patience: numbers'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='patience_spelling_ms',
            field=models.PositiveIntegerField(default=1500, help_text='Waited in addition when the agent has asked for something to be spelled. Too little: it answers after half a name.\n0 to 10000 ms. Default 1500 ms: people look letters up, and pause between groups of them.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(10000, 'Above 10 s callers think the line is dead.')], verbose_name='more patience: letters'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='protect_greeting',
            field=models.BooleanField(default=False, help_text='The caller hears the first words to their end, such as a notice of recording. What is said meanwhile is listened to, and answered after it.\nDefault off: callers who know what they want need no greeting.', verbose_name='the greeting is never interrupted'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='response_delay_ms',
            field=models.PositiveIntegerField(default=0, help_text='Waited after the silence, before the answer is asked for. A caller who goes on in this time is not talked over. Every answer comes so much later.\n0 to 5000 ms. Default 0 ms: the silence was waited for already.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s, on top of the silence, callers think the line is dead.')], verbose_name='wait before the answer'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='resume_after_ms',
            field=models.PositiveIntegerField(default=300, help_text='A reply that was stopped for a sound goes on when the caller has been quiet for this long. Too little: it goes on between two words of the caller. Too much: the caller hears a hole and thinks the line is dead.\n100 to 3000 ms. Default 300 ms: pauses inside a word are shorter, and a gap of this length is hardly noticed.', validators=[django.core.validators.MinValueValidator(100, 'Below 100 ms the agent goes on between two syllables, and both talk at once.'), django.core.validators.MaxValueValidator(3000, 'After 3 s of silence the caller has asked what is wrong.')], verbose_name='goes on after a quiet of'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='resume_overlap_ms',
            field=models.PositiveIntegerField(default=300, help_text='A reply that was stopped for a sound steps back up to this far, to the start of a word. 0: it goes on in the middle of a word. Too much: the caller hears half a sentence twice.\n0 to 2000 ms. Default 300 ms: about a word: the sentence can be followed again.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(2000, 'Above 2 s the agent seems to have lost its thread.')], verbose_name='repeated when it goes on'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='speech_probability',
            field=models.FloatField(default=0.8, help_text='How sure our own ear (Silero) must be that a sound over the agent is speech. Higher: music and noise stop the agent less, and mumbled interruptions are missed more. Sounds in silence in which it hears no speech are not answered. 0: our ear is not asked.\n0 to 1. Default 0.8: sentences are above it nearly throughout, “mm-hm” and noises only here and there.', validators=[django.core.validators.MinValueValidator(0.0, 'A probability is 0 or more; 0 leaves our ear out.'), django.core.validators.MaxValueValidator(1, 'A probability is at most 1. Near 1 nobody can stop the agent.')], verbose_name='our own ear: sure of speech'),
        ),
        migrations.AddField(
            model_name='turnsettings',
            name='stop_sound',
            field=models.CharField(choices=[('at_once', 'at once, and goes on if it was nothing'), ('when_sure', 'only when it is an interruption')], default='when_sure', help_text='At once: the agent falls silent at every cough, and takes its sentence up again if it was nothing. Only when it is an interruption: coughs are not noticed, and a real interruption is answered some tenths of a second later.\nDefault only when it is an interruption: most sounds over the agent are no interruption, and a gap is heard each time.', max_length=16, verbose_name="the agent's sound stops"),
        ),
        migrations.AlterField(
            model_name='agent',
            name='language',
            field=models.CharField(blank=True, help_text='Two letters, such as en. Helps the transcript, and chooses the words of listening and the words that stop the agent. Empty: the transcript finds out, and the words are English.', max_length=8),
        ),
        migrations.AlterField(
            model_name='agent',
            name='speed',
            field=models.FloatField(default=1.0, help_text='How fast the agent talks.\n0.25 to 1.5. Default 1: the voice as it was made.', validators=[django.core.validators.MinValueValidator(0.25, 'Below 0.25 the model refuses; speech that slow is not understood.'), django.core.validators.MaxValueValidator(1.5, 'The model refuses above 1.5.')]),
        ),
        migrations.AlterField(
            model_name='agent',
            name='transcription_model',
            field=models.CharField(blank=True, default='gpt-realtime-whisper', help_text='Writes down what callers say, for the review and for telling “mm-hm” from “stop”. It has no part in the answer. Empty: no words of the caller.', max_length=80),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='cancel_reply',
            field=models.BooleanField(default=True, help_text='The model stops making the answer. Off: it is made and paid for to its end, and the caller waits so much longer for the next one.\nDefault on: nobody will hear the rest.', verbose_name='1. Cancel the response'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='clear_buffers',
            field=models.BooleanField(default=True, help_text='The sound stops at once. Off: the caller hears what the carrier holds, often many seconds.\nDefault on: the carrier holds up to half a minute of sound.', verbose_name='3. Clear all buffers'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='create_response',
            field=models.BooleanField(default=False, help_text='On: callers hear an answer to every sound that the model takes for speech, a cough included, and none of the waits here is kept.\nDefault off: we ask for each answer, exactly once, when the conversation is free for it.', verbose_name='the model answers by itself'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='eagerness',
            field=models.CharField(choices=[('auto', 'auto (as medium)'), ('low', 'low: waits up to 8 s'), ('medium', 'medium: waits up to 4 s'), ('high', 'high: waits up to 2 s')], default='auto', help_text='Only by meaning. How soon the agent takes an unfinished sentence for finished. Low: callers may think aloud. High: it answers quickly, and cuts off who speaks slowly.\nDefault auto: as the service.', max_length=16, verbose_name='eagerness'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='idle_timeout_ms',
            field=models.PositiveIntegerField(blank=True, default=None, help_text='Only by sound. Silence of the caller after which the model speaks up by itself: callers hear words of its own, and not the question above.\n5000 to 30000 ms, or empty for never. Default never: we ask ourselves, in words of yours.', null=True, validators=[django.core.validators.MinValueValidator(5000, 'The model refuses below 5000 ms: callers would be asked before they could think.'), django.core.validators.MaxValueValidator(30000, 'The model refuses above 30000 ms.')], verbose_name='the model asks by itself after'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='interrupt_response',
            field=models.BooleanField(default=False, help_text='On: every sound ends the answer, coughs included, and nothing is weighed.\nDefault off: we decide what is an interruption.', verbose_name='the model stops by itself'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='mark_silent',
            field=models.BooleanField(default=True, help_text='The caller has the floor. Off: for as long as the stopped answer would have lasted, each word of the caller counts as one more interruption of it.\nDefault on: who has stopped the agent has the floor.', verbose_name='5. Mark the agent as silent'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='min_speech_ms',
            field=models.PositiveIntegerField(default=560, help_text='Shorter speech over the agent is no interruption: the reply goes on. 0: any speech is one, however short.\n0 to 3000 ms. Default 560 ms: nearly every cough and “mm-hm” is shorter, and most sentences are longer.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(3000, 'Above 3 s the agent seems not to listen at all.')], verbose_name='shortest interruption'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='mode',
            field=models.CharField(choices=[('full', 'full: stop the sound, cut the conversation where it was heard'), ('legacy', 'legacy: cancel the response only (roll-back path)')], default='full', help_text='Legacy is the earlier behaviour: the agent talks on for what the carrier holds, and may repeat itself.\nDefault full: only then agent and caller agree on what was said.', max_length=16, verbose_name='interruptions are handled'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='prefix_padding_ms',
            field=models.PositiveIntegerField(default=300, help_text='Only by sound. What the agent still hears from before the moment in which speech was noticed. Too little: it misses first syllables, and “no” becomes “oh”.\n0 to 2000 ms. Default 300 ms: as the service; it holds a whole first syllable.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(2000, "More than 2000 ms brings the agent's own echo along.")], verbose_name='sound kept from before'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='response_latency_ms',
            field=models.PositiveIntegerField(default=300, help_text='Only by sound. The silence that callers shall hear at least before the agent answers. The silence in force is never shorter than this.\n0 to 10000 ms. Default 300 ms: below the shortest silence, so that alone counts.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(10000, 'After 10 s of silence callers think the line is dead.')], verbose_name='response latency'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='silence_floor_ms',
            field=models.PositiveIntegerField(default=500, help_text='Only by sound. Silence after which the caller has finished. Lower: quicker answers, and callers who stop to think are cut off. In force is the larger of this and the response latency.\n100 to 10000 ms. Default 500 ms: pauses inside a sentence are mostly shorter.', validators=[django.core.validators.MinValueValidator(100, 'Below 100 ms the agent answers between two words of the caller.'), django.core.validators.MaxValueValidator(10000, 'After 10 s of silence callers think the line is dead.')], verbose_name='shortest silence'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='suppress_in_flight',
            field=models.BooleanField(default=True, help_text='Pieces of the stopped answer that still arrive are not played. Off: the caller hears scraps of it.\nDefault on: the model sends on for a moment after it was told to stop.', verbose_name='4. Drop sound in flight'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='suppress_ms',
            field=models.PositiveIntegerField(default=500, help_text='Second guard, for sound that does not say which answer it is of. Too short: a scrap of the old answer is heard.\n0 to 5000 ms. Default 500 ms: longer than any sound is on its way.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s the next answer could be swallowed.')], verbose_name='sound is dropped for'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='threshold',
            field=models.FloatField(default=0.6, help_text='Only by sound. How sure the model must be that a sound is speech. Higher: coughs and hiss stop the agent less, and soft callers are missed more.\n0 to 1. Default 0.6: phone lines are noisier than the 0.5 of the service assumes.', validators=[django.core.validators.MinValueValidator(0.0, 'A threshold is 0 or more. At 0 every hiss on the line counts as the caller speaking.'), django.core.validators.MaxValueValidator(1, 'A threshold is at most 1. Near 1 even loud callers are not heard.')], verbose_name='threshold'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='truncate',
            field=models.CharField(choices=[('heard', 'where the caller stopped hearing it'), ('start', 'at its start, as if nothing was heard'), ('off', 'nowhere: the agent believes it said everything')], default='heard', help_text='What the agent believes the caller has heard. Wrong: it repeats itself, or takes for known what was not heard.\nDefault where the caller stopped hearing it: the agent then knows what the caller knows.', max_length=16, verbose_name='2. Cut the conversation'),
        ),
        migrations.AlterField(
            model_name='turnsettings',
            name='vad_type',
            field=models.CharField(choices=[('server_vad', 'by sound and silence (server_vad)'), ('semantic_vad', 'by meaning (semantic_vad)')], default='server_vad', help_text='By sound: the agent answers after a silence of the same length every time. By meaning: it answers sooner after what sounds complete, and waits for seconds after what does not.\nDefault by sound and silence: it can be tuned, and is as quick on every sentence.', max_length=16, verbose_name='how speech is noticed'),
        ),
        migrations.CreateModel(
            name='HistoricalAgent',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('name', models.CharField(db_index=True, help_text='For your staff; callers never hear it.', max_length=80)),
                ('active', models.BooleanField(default=True, help_text='Off: callers of its numbers hear that nobody is here, and are not put through.')),
                ('greeting', models.CharField(blank=True, help_text='The first words the caller hears, spoken exactly so. Empty: the agent waits until the caller speaks.', max_length=400)),
                ('instructions', models.TextField(help_text='What the agent is for, what it knows and how it talks. Short answers are interrupted less.')),
                ('model', models.CharField(default='gpt-realtime-2.1', help_text='The model that hears and speaks.', max_length=80, verbose_name='speech model')),
                ('voice', models.CharField(default='marin', help_text='Whose voice the caller hears.', max_length=80)),
                ('speed', models.FloatField(default=1.0, help_text='How fast the agent talks.\n0.25 to 1.5. Default 1: the voice as it was made.', validators=[django.core.validators.MinValueValidator(0.25, 'Below 0.25 the model refuses; speech that slow is not understood.'), django.core.validators.MaxValueValidator(1.5, 'The model refuses above 1.5.')])),
                ('language', models.CharField(blank=True, help_text='Two letters, such as en. Helps the transcript, and chooses the words of listening and the words that stop the agent. Empty: the transcript finds out, and the words are English.', max_length=8)),
                ('transcription_model', models.CharField(blank=True, default='gpt-realtime-whisper', help_text='Writes down what callers say, for the review and for telling “mm-hm” from “stop”. It has no part in the answer. Empty: no words of the caller.', max_length=80)),
                ('noise_reduction', models.CharField(blank=True, choices=[('', 'off'), ('near_field', 'near field (handset)'), ('far_field', 'far field (speakerphone)')], default='', help_text="Cleans the caller's sound before anything listens to it. Fewer false stops on noisy lines.", max_length=16)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical agent',
                'verbose_name_plural': 'historical agents',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalTurnSettings',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('vad_type', models.CharField(choices=[('server_vad', 'by sound and silence (server_vad)'), ('semantic_vad', 'by meaning (semantic_vad)')], default='server_vad', help_text='By sound: the agent answers after a silence of the same length every time. By meaning: it answers sooner after what sounds complete, and waits for seconds after what does not.\nDefault by sound and silence: it can be tuned, and is as quick on every sentence.', max_length=16, verbose_name='how speech is noticed')),
                ('threshold', models.FloatField(default=0.6, help_text='Only by sound. How sure the model must be that a sound is speech. Higher: coughs and hiss stop the agent less, and soft callers are missed more.\n0 to 1. Default 0.6: phone lines are noisier than the 0.5 of the service assumes.', validators=[django.core.validators.MinValueValidator(0.0, 'A threshold is 0 or more. At 0 every hiss on the line counts as the caller speaking.'), django.core.validators.MaxValueValidator(1, 'A threshold is at most 1. Near 1 even loud callers are not heard.')], verbose_name='threshold')),
                ('prefix_padding_ms', models.PositiveIntegerField(default=300, help_text='Only by sound. What the agent still hears from before the moment in which speech was noticed. Too little: it misses first syllables, and “no” becomes “oh”.\n0 to 2000 ms. Default 300 ms: as the service; it holds a whole first syllable.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(2000, "More than 2000 ms brings the agent's own echo along.")], verbose_name='sound kept from before')),
                ('stop_sound', models.CharField(choices=[('at_once', 'at once, and goes on if it was nothing'), ('when_sure', 'only when it is an interruption')], default='when_sure', help_text='At once: the agent falls silent at every cough, and takes its sentence up again if it was nothing. Only when it is an interruption: coughs are not noticed, and a real interruption is answered some tenths of a second later.\nDefault only when it is an interruption: most sounds over the agent are no interruption, and a gap is heard each time.', max_length=16, verbose_name="the agent's sound stops")),
                ('min_speech_ms', models.PositiveIntegerField(default=560, help_text='Shorter speech over the agent is no interruption: the reply goes on. 0: any speech is one, however short.\n0 to 3000 ms. Default 560 ms: nearly every cough and “mm-hm” is shorter, and most sentences are longer.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(3000, 'Above 3 s the agent seems not to listen at all.')], verbose_name='shortest interruption')),
                ('answer_window_ms', models.PositiveIntegerField(default=1000, help_text='Speech within the last part of a reply that is too short to stop the agent is an answer: the reply ends undisturbed and what was said is answered after it, however short it was. 0: short words at the end of a question are dropped like any other. Too long: words that were no answer get one too.\n0 to 5000 ms. Default 1000 ms: people answer a question into its last words, and mostly with one word.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s the agent answers nearly every short word that was said over it.')], verbose_name='answers into the last words')),
                ('decide_by_ms', models.PositiveIntegerField(default=1200, help_text='Speech that lasts this long stops the agent, however soft it is and whatever is said; noise and the agent\'s echo never do. Longer: a caller who really wants to interrupt has to talk over the agent for so long.\n300 to 5000 ms. Default 1200 ms: who speaks for longer than that wants to be heard.', validators=[django.core.validators.MinValueValidator(300, 'Below 300 ms a cough is decided on before it has ended, and stops the agent.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s a caller whom the evidence fails shouts at an agent that talks on.')], verbose_name='decided at the latest after')),
                ('speech_probability', models.FloatField(default=0.8, help_text='How sure our own ear (Silero) must be that a sound over the agent is speech. Higher: music and noise stop the agent less, and mumbled interruptions are missed more. Sounds in silence in which it hears no speech are not answered. 0: our ear is not asked.\n0 to 1. Default 0.8: sentences are above it nearly throughout, “mm-hm” and noises only here and there.', validators=[django.core.validators.MinValueValidator(0.0, 'A probability is 0 or more; 0 leaves our ear out.'), django.core.validators.MaxValueValidator(1, 'A probability is at most 1. Near 1 nobody can stop the agent.')], verbose_name='our own ear: sure of speech')),
                ('min_loudness_db', models.FloatField(default=6.0, help_text="How far over the line's own noise a sound must be to stop the agent. Higher: television and voices in the room stop it less, and soft callers have to speak up, or to talk on until it is decided at the latest. 0: loudness does not count.\n0 to 40 dB. Default 6 dB: twice the line's own noise: who speaks into the phone is far above it.", validators=[django.core.validators.MinValueValidator(0.0, 'It cannot be below 0 dB; 0 leaves loudness out.'), django.core.validators.MaxValueValidator(40, 'Above 40 dB over the noise even a shout on a phone line does not stop the agent.')], verbose_name='louder than the line by')),
                ('ignore_backchannels', models.BooleanField(default=True, help_text='The agent talks on through words of listening. Off: each “okay” of a friendly caller stops it. Needs the words while they are spoken, from a transcription model that gives them early.\nDefault on: “mm-hm” says: go on.', verbose_name='“mm-hm” is no interruption')),
                ('backchannel_phrases', models.TextField(blank=True, default='', help_text="One on each line. The agent talks on when the caller says nothing but these. Leave out what answers your agent's questions: an answer given while it still speaks would be lost. Empty: the list of the agent's language.", validators=[agents.phrases.check], verbose_name='words of listening')),
                ('interrupt_phrases', models.TextField(blank=True, default='', help_text="One on each line. These stop the agent at once, however short they are. Empty: the list of the agent's language.", validators=[agents.phrases.check], verbose_name='words that stop the agent')),
                ('echo_guard', models.FloatField(default=0.7, help_text='Sound as like as this to what the agent is saying is its own echo, and does not stop it. Lower: callers on a speakerphone are less troubled, and a caller who talks over the agent may be taken for an echo for as long as they talk. 0: off.\n0 to 1. Default 0.7: an echo of the agent is nearly always more like it, and another voice less.', validators=[django.core.validators.MinValueValidator(0.0, 'It cannot be below 0; 0 switches the guard off.'), django.core.validators.MaxValueValidator(1, 'A likeness is at most 1; just below it no echo is recognised, and the agent stops itself.')], verbose_name='guard against echo')),
                ('protect_greeting', models.BooleanField(default=False, help_text='The caller hears the first words to their end, such as a notice of recording. What is said meanwhile is listened to, and answered after it.\nDefault off: callers who know what they want need no greeting.', verbose_name='the greeting is never interrupted')),
                ('grace_ms', models.PositiveIntegerField(default=0, help_text='At the start of each reply nothing stops the agent yet. Against callers who say one more word after their question. Too long: it cannot be stopped when it begins wrongly.\n0 to 5000 ms. Default 0 ms: callers also stop an agent at its first word, and are right to.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s the agent seems not to listen at all.')], verbose_name='no interruption at first for')),
                ('resume_after_ms', models.PositiveIntegerField(default=300, help_text='A reply that was stopped for a sound goes on when the caller has been quiet for this long. Too little: it goes on between two words of the caller. Too much: the caller hears a hole and thinks the line is dead.\n100 to 3000 ms. Default 300 ms: pauses inside a word are shorter, and a gap of this length is hardly noticed.', validators=[django.core.validators.MinValueValidator(100, 'Below 100 ms the agent goes on between two syllables, and both talk at once.'), django.core.validators.MaxValueValidator(3000, 'After 3 s of silence the caller has asked what is wrong.')], verbose_name='goes on after a quiet of')),
                ('resume_overlap_ms', models.PositiveIntegerField(default=300, help_text='A reply that was stopped for a sound steps back up to this far, to the start of a word. 0: it goes on in the middle of a word. Too much: the caller hears half a sentence twice.\n0 to 2000 ms. Default 300 ms: about a word: the sentence can be followed again.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(2000, 'Above 2 s the agent seems to have lost its thread.')], verbose_name='repeated when it goes on')),
                ('interrupt_response', models.BooleanField(default=False, help_text='On: every sound ends the answer, coughs included, and nothing is weighed.\nDefault off: we decide what is an interruption.', verbose_name='the model stops by itself')),
                ('mode', models.CharField(choices=[('full', 'full: stop the sound, cut the conversation where it was heard'), ('legacy', 'legacy: cancel the response only (roll-back path)')], default='full', help_text='Legacy is the earlier behaviour: the agent talks on for what the carrier holds, and may repeat itself.\nDefault full: only then agent and caller agree on what was said.', max_length=16, verbose_name='interruptions are handled')),
                ('cancel_reply', models.BooleanField(default=True, help_text='The model stops making the answer. Off: it is made and paid for to its end, and the caller waits so much longer for the next one.\nDefault on: nobody will hear the rest.', verbose_name='1. Cancel the response')),
                ('truncate', models.CharField(choices=[('heard', 'where the caller stopped hearing it'), ('start', 'at its start, as if nothing was heard'), ('off', 'nowhere: the agent believes it said everything')], default='heard', help_text='What the agent believes the caller has heard. Wrong: it repeats itself, or takes for known what was not heard.\nDefault where the caller stopped hearing it: the agent then knows what the caller knows.', max_length=16, verbose_name='2. Cut the conversation')),
                ('clear_buffers', models.BooleanField(default=True, help_text='The sound stops at once. Off: the caller hears what the carrier holds, often many seconds.\nDefault on: the carrier holds up to half a minute of sound.', verbose_name='3. Clear all buffers')),
                ('suppress_in_flight', models.BooleanField(default=True, help_text='Pieces of the stopped answer that still arrive are not played. Off: the caller hears scraps of it.\nDefault on: the model sends on for a moment after it was told to stop.', verbose_name='4. Drop sound in flight')),
                ('suppress_ms', models.PositiveIntegerField(default=500, help_text='Second guard, for sound that does not say which answer it is of. Too short: a scrap of the old answer is heard.\n0 to 5000 ms. Default 500 ms: longer than any sound is on its way.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s the next answer could be swallowed.')], verbose_name='sound is dropped for')),
                ('mark_silent', models.BooleanField(default=True, help_text='The caller has the floor. Off: for as long as the stopped answer would have lasted, each word of the caller counts as one more interruption of it.\nDefault on: who has stopped the agent has the floor.', verbose_name='5. Mark the agent as silent')),
                ('silence_floor_ms', models.PositiveIntegerField(default=500, help_text='Only by sound. Silence after which the caller has finished. Lower: quicker answers, and callers who stop to think are cut off. In force is the larger of this and the response latency.\n100 to 10000 ms. Default 500 ms: pauses inside a sentence are mostly shorter.', validators=[django.core.validators.MinValueValidator(100, 'Below 100 ms the agent answers between two words of the caller.'), django.core.validators.MaxValueValidator(10000, 'After 10 s of silence callers think the line is dead.')], verbose_name='shortest silence')),
                ('response_latency_ms', models.PositiveIntegerField(default=300, help_text='Only by sound. The silence that callers shall hear at least before the agent answers. The silence in force is never shorter than this.\n0 to 10000 ms. Default 300 ms: below the shortest silence, so that alone counts.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(10000, 'After 10 s of silence callers think the line is dead.')], verbose_name='response latency')),
                ('eagerness', models.CharField(choices=[('auto', 'auto (as medium)'), ('low', 'low: waits up to 8 s'), ('medium', 'medium: waits up to 4 s'), ('high', 'high: waits up to 2 s')], default='auto', help_text='Only by meaning. How soon the agent takes an unfinished sentence for finished. Low: callers may think aloud. High: it answers quickly, and cuts off who speaks slowly.\nDefault auto: as the service.', max_length=16, verbose_name='eagerness')),
                ('create_response', models.BooleanField(default=False, help_text='On: callers hear an answer to every sound that the model takes for speech, a cough included, and none of the waits here is kept.\nDefault off: we ask for each answer, exactly once, when the conversation is free for it.', verbose_name='the model answers by itself')),
                ('response_delay_ms', models.PositiveIntegerField(default=0, help_text='Waited after the silence, before the answer is asked for. A caller who goes on in this time is not talked over. Every answer comes so much later.\n0 to 5000 ms. Default 0 ms: the silence was waited for already.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(5000, 'Above 5 s, on top of the silence, callers think the line is dead.')], verbose_name='wait before the answer')),
                ('patience_spelling_ms', models.PositiveIntegerField(default=1500, help_text='Waited in addition when the agent has asked for something to be spelled. Too little: it answers after half a name.\n0 to 10000 ms. Default 1500 ms: people look letters up, and pause between groups of them.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(10000, 'Above 10 s callers think the line is dead.')], verbose_name='more patience: letters')),
                ('patience_number_ms', models.PositiveIntegerField(default=1000, help_text='Waited in addition when the agent has asked for a number. Too little: it answers between two groups of digits.\n0 to 10000 ms. Default 1000 ms: people read numbers in groups, with a breath between.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(10000, 'Above 10 s callers think the line is dead.')], verbose_name='more patience: numbers')),
                ('patience_email_ms', models.PositiveIntegerField(default=1500, help_text='Waited in addition when the agent has asked for an e-mail address. Too little: it answers before the “at”.\n0 to 10000 ms. Default 1500 ms: an address is spelled in part, and its pauses are long.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(10000, 'Above 10 s callers think the line is dead.')], verbose_name='more patience: e-mail')),
                ('idle_prompt_ms', models.PositiveIntegerField(default=12000, help_text='Silence of both sides after which the agent asks whether the caller is there. Too short: it disturbs who looks for a card. 0: never, otherwise 3000 ms or more.\n0 to 120000 ms. Default 12000 ms: time to find a card or a pen, and not yet long enough to think the line is dead.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 ms.'), django.core.validators.MaxValueValidator(120000, 'After two minutes of silence the caller has hung up, or believes that we have.')], verbose_name='ask after a silence of')),
                ('idle_prompts_max', models.PositiveIntegerField(default=2, help_text='So often in a row the caller is asked. When the last question has no answer either, the agent says goodbye and hangs up.\n1 to 10 times. Default 2 times: who does not answer twice is not there.', validators=[django.core.validators.MinValueValidator(1, 'To ask less than once, set the silence to 0.'), django.core.validators.MaxValueValidator(10, 'More than 10 times in a row is no question any more.')], verbose_name='ask at most')),
                ('idle_prompt', models.CharField(blank=True, default='Are you still there?', help_text='What the caller hears after the silence, spoken exactly so.', max_length=400, verbose_name='words of the question')),
                ('idle_goodbye', models.CharField(blank=True, default='I cannot hear you any more. Goodbye.', help_text='The last words before we hang up, when nobody answered. Empty: the call stays open, and is paid for.', max_length=400, verbose_name='words of the goodbye')),
                ('idle_timeout_ms', models.PositiveIntegerField(blank=True, default=None, help_text='Only by sound. Silence of the caller after which the model speaks up by itself: callers hear words of its own, and not the question above.\n5000 to 30000 ms, or empty for never. Default never: we ask ourselves, in words of yours.', null=True, validators=[django.core.validators.MinValueValidator(5000, 'The model refuses below 5000 ms: callers would be asked before they could think.'), django.core.validators.MaxValueValidator(30000, 'The model refuses above 30000 ms.')], verbose_name='the model asks by itself after')),
                ('max_call_s', models.PositiveIntegerField(default=3600, help_text='After this the agent hangs up. 0: we set no limit.\n0 to 43200 s. Default 3600 s: the model ends its session after 60 minutes in any case.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 s.'), django.core.validators.MaxValueValidator(43200, 'Above 12 hours it is no limit; 0 says so.')], verbose_name='longest call')),
                ('call_warning_s', models.PositiveIntegerField(default=60, help_text='So long before the longest call ends the caller is told. 0: the call ends without a word.\n0 to 600 s. Default 60 s: time to finish a sentence and say goodbye.', validators=[django.core.validators.MinValueValidator(0, 'It cannot be below 0 s.'), django.core.validators.MaxValueValidator(600, 'A warning more than 10 minutes ahead is forgotten when the call ends.')], verbose_name='warned before the end')),
                ('call_warning', models.CharField(blank=True, default='We have one minute left.', help_text='What the caller hears then, spoken exactly so. Empty: no warning.', max_length=400, verbose_name='words of the warning')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('agent', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='agents.agent')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical turn settings',
                'verbose_name_plural': 'historical turn settings',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
    ]
