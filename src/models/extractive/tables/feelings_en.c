/* feelings_en.c: English words of feeling, from -3 to 3. A word counts in all forms of its stem; 0
 * takes a form out.
 *
 * Words of technical texts (error, failure, leak, kill, fatal, warning, critical) are left out
 * on purpose: a manual about errors is not sad. Written for docmill. */
#include "models/extractive/lexicon.h"

/* clang-format off */
static const struct dm_ex_feeling_row rows[] = {
    { 3,
      "amazing,astonishing,awesome,beautiful,beloved,best,brilliant,breathtaking,delightful,ecstatic,excellent,"
      "exceptional,exquisite,extraordinary,fabulous,fantastic,flawless,glorious,heavenly,incredible,"
      "magnificent,marvelous,marvellous,masterpiece,outstanding,perfect,perfection,phenomenal,sensational,"
      "spectacular,splendid,stellar,stunning,sublime,superb,terrific,thrilled,triumph,unbeatable,wonderful,"
      "wonderfully,love,adore" },
    { 2,
      "admirable,admire,advantage,advantageous,affectionate,amused,amusing,applaud,appealing,attractive,award,"
      "blessed,blessing,bliss,bravo,breakthrough,bright,celebrate,celebrated,charming,cheerful,cherish,"
      "comfortable,commend,commendable,compliment,confident,congratulate,congratulations,courage,courageous,"
      "delicious,delight,delighted,dependable,desirable,elegant,encouraging,engaging,enjoy,enjoyable,enjoyed,"
      "enthusiasm,enthusiastic,excited,excitement,exciting,fascinating,favorite,favourite,friendly,funny,"
      "generous,genius,glad,good,gorgeous,graceful,grateful,gratitude,great,greatly,happily,happiness,happy,"
      "heartfelt,heroic,honest,hopeful,hospitable,impress,impressed,impressive,improvement,ingenious,"
      "innovative,inspire,inspired,inspiring,intelligent,joy,joyful,kindness,lovely,loved,loyal,lucky,"
      "luxurious,memorable,nice,optimistic,passionate,peaceful,pleasant,pleased,pleasing,pleasure,praise,"
      "praised,prestigious,proud,prosperity,prosper,prosperous,recommend,refreshing,rejoice,reliable,"
      "remarkable,respected,rewarding,rich,romantic,satisfied,satisfying,satisfaction,skilled,smile,smart,"
      "smooth,stylish,succeed,success,successful,successfully,superior,supportive,talented,tasty,thankful,"
      "thrilling,thriving,top-notch,treasure,trusted,trustworthy,valuable,victory,vibrant,warm,warmth,welcome,"
      "welcoming,wealthy,winner,winning,wisdom,wise,wow,worthwhile,worthy,yummy" },
    { 1,
      "improved,recommended,worth,accomplish,accomplished,accomplishment,achieve,achievement,adequate,"
      "affordable,agree,appreciate,appreciated,appreciation,approve,approved,beneficial,benefit,benefits,"
      "better,boost,calm,capable,careful,caring,clean,clever,convenient,convincing,cooperative,creative,decent,"
      "dedicated,easier,easily,easy,effective,efficient,effortless,enhance,enhanced,enrich,fair,faster,favor,"
      "favorable,favour,favourable,flourish,gentle,gift,grow,handy,harmony,healthy,help,helped,helpful,hope,"
      "ideal,improve,improving,interesting,intuitive,keen,likable,liked,motivated,neat,nicely,opportunity,"
      "peace,pleasantly,polite,popular,practical,productive,profit,profitable,promising,promptly,protect,quiet,"
      "recover,recovered,recovery,relaxed,relaxing,relief,relieved,safe,satisfactory,secure,solid,spacious,"
      "strengthen,strong,stronger,sturdy,sustainable,thank,thanks,tidy,useful,versatile,well-made" },
    { -1,
      "alarming,annoy,annoyed,annoying,anxious,apologize,apologise,apology,arrogant,avoidable,awkward,bland,"
      "blame,bored,boring,bother,bothersome,broke,broken,careless,clumsy,complain,complained,complaint,"
      "complaints,confused,confusing,costly,cracked,criticism,criticize,criticise,cumbersome,damage,damaged,"
      "decline,declined,defective,delay,delayed,delays,difficult,difficulty,dirty,disadvantage,disagree,"
      "discourage,dispute,disturbing,doubt,doubtful,dull,expensive,fail,failed,faulty,fear,flaw,flawed,"
      "forgettable,frustrated,frustrating,grim,harsh,hesitant,impatient,inadequate,inconvenient,inconvenience,"
      "ineffective,inefficient,insufficient,lacking,lazy,lonely,lose,losing,loss,losses,messy,mediocre,"
      "misleading,missed,mistake,mistakes,neglect,neglected,nervous,noisy,obstacle,outdated,overpriced,poorly,"
      "problem,problematic,problems,regret,reject,rejected,reluctant,risky,rushed,scarce,shortage,shortcomings,"
      "slow,sluggish,sorry,strange,stress,stressful,struggle,struggling,stuck,suffer,suspicious,threat,tired,"
      "tiresome,tough,trouble,troubled,unclear,uncomfortable,unfair,unfortunate,unfortunately,unhappy,"
      "unhelpful,unpleasant,unreliable,unresponsive,unsatisfied,unstable,upset,waste,wasted,weak,weakness,"
      "worry,worried,worrying,wrong,unacceptable,unprofessional" },
    { -2,
      "abuse,abused,agony,anger,angry,appalled,ashamed,attack,bad,badly,bankrupt,bankruptcy,betray,betrayed,"
      "bitter,catastrophe,cheat,cheated,chaos,chaotic,collapse,corrupt,corruption,crap,crime,crisis,cruelty,"
      "cry,crying,damn,danger,dangerous,death,deceive,deceptive,defeat,depressed,depressing,depression,despair,"
      "desperate,destroy,destroyed,destruction,disappoint,disappointed,disappointing,disappointment,disgrace,"
      "dishonest,dislike,dismal,dissatisfied,dreadful,dreary,embarrassed,embarrassing,enemy,enraged,evil,"
      "failure,famine,filthy,fraud,frightened,frightening,furious,garbage,gloomy,grief,guilty,hardship,hate,"
      "hated,hatred,hopeless,hostile,humiliating,hurt,hurtful,hysterical,idiot,idiotic,ignorant,illness,"
      "incompetent,injured,injury,insane,insult,insulting,irritated,irritating,jealous,lie,lied,liar,lousy,mad,"
      "mess,miserable,misery,murder,nasty,nonsense,outrage,outrageous,pain,painful,pathetic,poison,poor,"
      "poverty,punish,rage,recession,ridiculous,rude,ruin,ruined,sad,sadly,sadness,scam,scandal,scared,scary,"
      "selfish,shabby,shameful,shocking,sick,sickening,sloppy,smelly,sorrow,stink,stolen,stupid,suffered,"
      "suffering,suicide,terrified,theft,tragedy,tragic,traumatic,ugly,unbearable,useless,victim,victims,"
      "violence,violent,vicious,war,weep,worse,worthless,wound,wounded,wreck" },
    { -3,
      "abysmal,appalling,atrocious,awful,brutal,cruel,despicable,detest,devastated,devastating,disaster,"
      "disastrous,disgust,disgusted,disgusting,hideous,horrendous,horrible,horribly,horrific,horrifying,horror,"
      "loathe,massacre,nightmare,repulsive,terrible,terribly,torture,vile,worst,catastrophic" },
    /* Forms that share a stem with a word above and mean something else. */
    { 0,
      "goods,fairly,hardly,pretty,patient,patients,patience,winner's,hardware,greater,losses',lie-down,general,"
      "generally,thanksgiving,moderate,lies,lying,supports,supporting,supported,support,interest,limited,"
      "securities,security,executed,execution,hard,fine,fines,fined,late,latest,later,appreciable,rough,"
      "roughly,cool,cooling,cooler,shame's,modern,badge,profiteer,dead,growing,grows,promise,fairs,claim,"
      "claims,kind,kinds,like,likes,well,strongly,refuse,refuses,strength,strengths" },
};
/* clang-format on */

const struct dm_ex_feeling_table dm_ex_feelings_en = { rows, DM_COUNT(rows) };
