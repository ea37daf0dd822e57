/* feelings_fr.c: French words of feeling, from -3 to 3. A word counts in all forms of its stem;
 * 0 takes a form out. Written for docmill. */
#include "models/extractive/lexicon.h"

/* clang-format off */
static const struct dm_ex_feeling_row rows[] = {
    { 3,
      "excellent,excellente,exceptionnel,exceptionnelle,extraordinaire,fabuleux,fantastique,formidable,génial,"
      "géniale,magnifique,merveilleux,merveilleuse,parfait,parfaite,remarquable,splendide,sublime,superbe,"
      "adorer,adore,amour,meilleur,meilleure,époustouflant,impeccable,enchanteur" },
    { 2,
      "admirable,agréable,aimable,aimer,aime,beau,belle,beauté,bon,bonne,bonheur,bravo,brillant,brillante,"
      "chaleureux,chaleureuse,charmant,charmante,confiance,conseille,content,contente,courageux,délicieux,"
      "délicieuse,efficace,élégant,enchanté,enthousiaste,fier,fière,fiable,fidèle,gentil,gentille,généreux,"
      "heureux,heureuse,impressionnant,innovant,intéressant,joie,joli,jolie,joyeux,lumineux,passionnant,"
      "plaisir,plaisant,précieux,ravi,ravie,recommande,recommander,réussi,réussie,réussir,réussite,satisfait,"
      "satisfaite,satisfaction,savoureux,sourire,succès,sympathique,talentueux,victoire,gagner,apprécier,"
      "apprécié,félicitations,triomphe" },
    { 1,
      "aider,amélioration,améliorer,avantage,avantages,avantageux,calme,clair,confortable,croissance,facile,"
      "facilement,favorable,intuitif,merci,mieux,moderne,opportunité,paisible,positif,positive,pratique,"
      "progrès,prometteur,propre,rapide,rapidement,solide,soutien,spacieux,stable,utile,espoir,compétent,"
      "bénéfique" },
    { -1,
      "abîmé,cassé,cher,chère,coûteux,crainte,critique,déçu,déçue,défaut,défectueux,désagréable,désavantage,"
      "difficile,difficulté,difficultés,doute,ennui,ennuyeux,erreur,faible,faiblesse,fatigué,froid,gêne,"
      "inadapté,inconfortable,inconvénient,inefficace,inquiet,inquiétude,insuffisant,inutile,lent,lente,"
      "malheureusement,manque,mécontent,négatif,négative,perte,pertes,peur,plainte,problème,problèmes,regret,"
      "regrette,retard,risqué,sale,souci,stress,bruyant" },
    { -2,
      "arnaque,arrogant,colère,conflit,coupable,crise,danger,dangereux,décevant,décevante,déception,détester,"
      "déteste,désastre,désespoir,douleur,douloureux,échec,échoué,escroquerie,faillite,fraude,furieux,guerre,"
      "haine,honte,honteux,idiot,incompétent,inacceptable,insulte,laid,maladie,malheur,malheureux,mauvais,"
      "mauvaise,médiocre,mensonge,menteur,meurtre,misère,mort,nul,nulle,pauvre,pire,pleurer,ridicule,scandale,"
      "souffrance,souffrir,stupide,triste,tristesse,tragédie,vol,violence,violent,victime" },
    { -3,
      "abominable,affreux,affreuse,atroce,catastrophe,catastrophique,cauchemar,cruel,dégoûtant,désastreux,"
      "épouvantable,horrible,horreur,ignoble,infect,terrible,insupportable" },
    { 0,
      "bons,vols,volume,morte,propres,propriété,clairement,faiblement,nullité,critiques,bonnet,belles-lettres" },
};
/* clang-format on */

const struct dm_ex_feeling_table dm_ex_feelings_fr = { rows, DM_COUNT(rows) };
